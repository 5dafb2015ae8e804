"""CPU time and memory of trees of processes, from /proc."""
import os, re

TICK = os.sysconf("SC_CLK_TCK")


def stat_all():
    """Of every process: its parent, its CPU ticks, and those of its children that have ended."""
    out = {}
    for d in os.listdir("/proc"):
        if d.isdigit():
            try:
                s = open(f"/proc/{d}/stat").read()
            except OSError:
                continue
            f = s[s.rindex(")") + 2:].split()
            out[int(d)] = (int(f[1]), int(f[11]) + int(f[12]), int(f[13]) + int(f[14]))
    return out


def tree(root, stats):
    kids = {}
    for p, (parent, _, _) in stats.items():
        kids.setdefault(parent, []).append(p)
    todo, seen = [root], []
    while todo:
        p = todo.pop()
        if p in stats:
            seen.append(p)
            todo += kids.get(p, [])
    return seen


def cpu(root, stats):
    """CPU seconds of the tree under root, its ended children included."""
    return sum(stats[p][1] + stats[p][2] for p in tree(root, stats)) / TICK


def pss_mib(root):
    """Memory of the tree, what processes share counted once."""
    kb = 0
    for p in tree(root, stat_all()):
        try:
            kb += int(re.search(r"^Pss:\s+(\d+)", open(f"/proc/{p}/smaps_rollup").read(), re.M)[1])
        except OSError:
            pass
    return kb / 1024


def busy():
    """CPU seconds that the whole machine has been busy, stolen time included."""
    f = [int(x) for x in open("/proc/stat").readline().split()[1:9]]
    return (sum(f) - f[3] - f[4]) / TICK
