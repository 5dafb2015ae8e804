"""The figures as pictures."""
import matplotlib

matplotlib.use("svg")
# Text stays text, and two runs with the same figures give the same file.
matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "bench", "font.size": 9})
import matplotlib.pyplot as plt

from report import OURS, median


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
