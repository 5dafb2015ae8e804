"""The figures as pictures."""
import matplotlib

matplotlib.use("svg")
# Text stays text, and two runs with the same figures give the same file.
matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "bench", "font.size": 9})
import matplotlib.pyplot as plt

from report import OURS, grown, median


def write(figure, path):
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


def side_by_side(path, measured):
    """CPU of a request: the server's part and PostgreSQL's, a row for each operation."""
    results = measured["results"]
    figure, rows = plt.subplots(len(results), 1, figsize=(9, 2.6 * len(results)), squeeze=False)
    for axes, (op, by_name) in zip(rows[:, 0], results.items()):
        names = list(by_name)[::-1]
        server = [median(by_name[name], "server") or 0 for name in names]
        database = [median(by_name[name], "pg") for name in names]
        bars = axes.barh(names, server, color="#4c72b0", label="server")
        axes.barh(names, database, left=server, color="#dd8452", label="PostgreSQL")
        for name, bar in zip(names, bars):
            if name.startswith(OURS):
                bar.set_edgecolor("black")
        for place, both in enumerate(s + d for s, d in zip(server, database)):
            axes.text(both, place, f" {both:.3f}", va="center", fontsize=7)
        axes.set_title(f"{op}: CPU of a request, ms", loc="left")
        axes.margins(x=0.1)
    rows[0, 0].legend(loc="lower right")
    write(figure, path)


def growth(path, measured):
    """What grew against what is asked of it: CPU with people and plays, memory with connections, throughput with cores."""
    by_key = grown(measured["rows"])
    figure, ((people, plays), (connections, cores)) = plt.subplots(2, 2, figsize=(9, 6.5))
    panels = [(people, "people", "CPU of a request, ms", lambda m: m["server"] + m["pg"]), (plays, "plays", "CPU of a request, ms", lambda m: m["server"] + m["pg"]),
              (connections, "connections", "memory, MiB", lambda m: m["mem"]), (cores, "cores", "requests a second", lambda m: m["rps"])]
    for axes, what, told, value in panels:
        for op in dict.fromkeys(op for grew, _, op in by_key if grew == what):
            points = [(size, value(m)) for (grew, size, of), m in by_key.items() if (grew, of) == (what, op)]
            axes.plot(*zip(*points), marker="o", label=op)
        if what == "cores":
            axes.set_xticks(sorted({size for grew, size, _ in by_key if grew == what}))
        else:
            axes.set_xscale("log")
        axes.set_ylim(bottom=0)
        axes.set_xlabel({"plays": "plays of each game", "cores": "cores for everything"}.get(what, what))
        axes.set_ylabel(told)
        axes.legend()
    write(figure, path)
