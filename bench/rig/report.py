"""Tables and ratios of what was measured; medians over the rounds."""
import statistics

from measure import FOREIGN
from place import POOL

# Those that the service is held against, and of those the ones in JavaScript or Python, for memory.
PEERS = [name + two for name in ("postgraphile", "mercurius", "strawberry") for two in ("", "-x2")] + ["seaography"]
IN_JS_OR_PYTHON = PEERS[:-1]
OURS = "autrement"


def cell(v, digits):
    return "–" if v is None else f"{v:.{digits}f}"


def median(rounds, key):
    values = [r[key] for r in rounds if r.get(key) is not None]
    return statistics.median(values) if values else None


def total(rounds):
    return statistics.median([r["server"] + r["pg"] for r in rounds])


def table(op, measured):
    lines = ["| peer | requests/s: median (least–most) | p50 ms | p99 ms | server CPU ms | PostgreSQL CPU ms | together | client CPU ms | cores used | others' cores | MiB | statements |",
             "|---|---|---|---|---|---|---|---|---|---|---|---|"]
    for name, rounds in measured["results"][op].items():
        rate = [r["rps"] for r in rounds]
        both = total(rounds) if rounds[0]["server"] is not None else None
        m = lambda key, digits: cell(median(rounds, key), digits)
        lines.append(f"| {name} | {statistics.median(rate):,.0f} ({min(rate):,.0f}–{max(rate):,.0f}) | {m('p50', 2)} | {m('p99', 2)} | {m('server', 3)} | {m('pg', 3)} | {cell(both, 3)} | "
                     f"{m('client', 3)} | {m('busy', 2)} | {m('foreign', 2)} | {m('mem', 0)} | {m('sql', 1)} |")
    return lines


def ratios(measured):
    """The service over the best of its peers, each by its better figure; a line for each, to be read by a program."""
    lines, results = [], measured["results"]
    for op, by_name in results.items():
        ours, others = by_name.get(OURS), {name: rounds for name, rounds in by_name.items() if name in PEERS}
        if not ours:
            continue
        if others:
            cpu, rate = min(others, key=lambda name: total(others[name])), max(others, key=lambda name: median(others[name], "rps"))
            lines.append(f"ratio {op} cpu {total(ours) / total(others[cpu]):.3f} rate {median(ours, 'rps') / median(others[rate], 'rps'):.2f}    (best peers: {cpu}, {rate})")
            quickest = min(others, key=lambda name: median(others[name], "p50"))
            lines.append(f"ratio {op} p99-vs-best-p50 {median(ours, 'p99') / median(others[quickest], 'p50'):.2f}    (best peer: {quickest})")
        scripts = {name: rounds for name, rounds in by_name.items() if name.startswith("pgbench")}
        if scripts:
            least = min(scripts, key=lambda name: median(scripts[name], "pg"))
            lines.append(f"ratio {op} pg-vs-pgbench {median(ours, 'pg') / median(scripts[least], 'pg'):.2f}    ({least})")
    # Under load: each by the operation under which it was largest.
    largest = lambda name: max((median(by_name[name], "mem") for by_name in results.values() if name in by_name), default=None)
    memory = {name: mib for name in IN_JS_OR_PYTHON if (mib := largest(name))}
    if largest(OURS) and memory:
        smallest = min(memory, key=memory.get)
        lines.append(f"memory {largest(OURS):.0f} MiB of smallest JS/Python peer {memory[smallest]:.0f}    ({smallest}; ratio {largest(OURS) / memory[smallest]:.2f})")
    return lines


def disturbed(every):
    return (f"Slots measured again because others used more than {FOREIGN} of a core: {sum(r['tries'] - 1 for r in every)}; "
            f"kept although disturbed: {sum(r['foreign'] > FOREIGN for r in every)} of {len(every)}.")


def side_by_side(a, measured, machine):
    every = [r for by_name in measured["results"].values() for rounds in by_name.values() for r in rounds]
    lines = [f"# {a.title}, {machine['date']}", "",
             f"{machine['cpu']}, {machine['cores']} cores; commit {machine['commit']}. {measured['people']} people, {a.rounds} interleaved rounds of {a.seconds} s, {a.conns} connections (page: {a.page_conns}), "
             f"{POOL} database connections for each peer{'' if a.no_pgbench else f'; pgbench with {POOL} clients'}. CPU is for each request. Every response was 200 and without errors; samples were equal to the reference.",
             "", disturbed(every), ""]
    for op in measured["results"]:
        lines += [f"## {op} ({measured['lengths'][op]} bytes)", "", *table(op, measured), ""]
    if told := ratios(measured):
        lines += ["## Ratios", "", "```", *told, "```", ""]
    return "\n".join(lines)


def grown(rows):
    """The medians of each thing that grew, at each size, for each operation: `{(what, size, op): {figure: median}}`."""
    figures = ["rps", "p50", "p99", "server", "pg", "mem"]
    keys = dict.fromkeys((r["what"], r["size"], r["op"]) for r in rows)
    return {key: {f: median([r for r in rows if (r["what"], r["size"], r["op"]) == key], f) for f in figures} for key in keys}


def growth(a, measured, machine):
    lines = [f"# What a request costs as there is more, {machine['date']}", "",
             f"{machine['cpu']}, {machine['cores']} cores; commit {machine['commit']}. Medians of {a.rounds} rounds of {a.seconds} s, {a.conns} connections where they are not what grows. People: those that nobody reads "
             "are copies. Plays: of each game. Cores: for the service, PostgreSQL and the client together.", "", disturbed(measured["rows"]), "",
             "| more | how many | operation | requests/s | p50 ms | p99 ms | server CPU ms | PostgreSQL CPU ms | together | MiB |", "|---|---|---|---|---|---|---|---|---|---|"]
    for (what, size, op), m in grown(measured["rows"]).items():
        lines.append(f"| {what} | {size:,} | {op} | {m['rps']:,.0f} | {m['p50']:.2f} | {m['p99']:.2f} | {m['server']:.3f} | {m['pg']:.3f} | {m['server'] + m['pg']:.3f} | {m['mem']:.0f} |")
    return "\n".join([*lines, ""])
