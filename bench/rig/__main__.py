"""What bench/run calls once everything is installed, built and loaded."""
import argparse, json, os, subprocess
from datetime import datetime, timezone

import growth, plot, report, side_by_side
from place import HERE, OPS


def machine():
    """On what it was measured."""
    cpu = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "unknown processor")
    git = lambda *words: subprocess.run(["git", "-C", HERE, *words], text=True, capture_output=True).stdout.strip()
    commit = (git("rev-parse", "--short", "HEAD") or "unknown") + (" with changes" if git("status", "--porcelain", "-uno") else "")
    return {"date": datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC"), "cpu": cpu, "cores": os.cpu_count(), "commit": commit}


def keep(a, machine, text, data, draw):
    """Writes the result as text, as JSON and as a plot, under the day's name."""
    name = os.path.join(a.out, f"{machine['date'][:10]}{a.suffix}")
    os.makedirs(a.out, exist_ok=True)
    open(name + ".md", "w").write(text)
    with open(name + ".json", "w") as f:
        options = {name: value for name, value in vars(a).items() if name != "out"}
        json.dump({"machine": machine, "options": options, **data}, f, indent=1)
    draw(name + ".svg")
    print(f"\nkept as {os.path.relpath(name)}.md, .json and .svg", flush=True)


def main():
    ap = argparse.ArgumentParser(prog="bench/run")
    ap.add_argument("what", choices=["side_by_side", "growth"])
    ap.add_argument("--peers", default="")
    ap.add_argument("--ops", default=",".join(OPS))
    ap.add_argument("--rounds", type=int, default=5)
    ap.add_argument("--seconds", type=int, default=8)
    ap.add_argument("--warmup", type=int, default=3)
    ap.add_argument("--conns", type=int, default=32)
    ap.add_argument("--page-conns", type=int, default=8, help="for page: its answers are 110 KB and take the slowest peers 60 ms of CPU")
    ap.add_argument("--retries", type=int, default=2, help="how often a slot is measured again that others' load disturbed")
    ap.add_argument("--wait", type=int, default=20, help="seconds to wait for a quiet machine before a slot")
    ap.add_argument("--no-pgbench", action="store_true")
    ap.add_argument("--title", default="The service beside its peers")
    ap.add_argument("--suffix", default="")
    ap.add_argument("--out", default=os.path.join(HERE, "results"))
    a = ap.parse_args()
    on = machine()
    if a.what == "growth":
        data = growth.run(a)
        text, draw, last = report.growth(a, data, on), plot.growth, []
    else:
        data = side_by_side.run(a)
        text, draw, last = report.side_by_side(a, data, on), plot.side_by_side, report.ratios(data)
    print("\n" + text, flush=True)
    keep(a, on, text, data, lambda path: draw(path, data))
    print("\n".join(last), flush=True)


main()
