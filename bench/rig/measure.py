"""One slot: a client for some seconds, and what it cost whom. A slot that others' load disturbed is measured again; the rule looks at
nothing else."""
import random, re, resource, subprocess, time

import postgres
from operations import variables
from place import HERE, STATE
from processes import busy, cpu, stat_all

# Cores of others' load from which a slot is repeated.
FOREIGN = 0.25


def quiet(most):
    """Waits, `most` seconds at the most, until the machine is idle for half a second."""
    end = time.time() + most
    while time.time() < end:
        b = busy()
        time.sleep(0.5)
        if busy() - b < 0.05:
            return


def drain(root):
    """Requests still in flight when the client left are worked off here, so they are counted and burden nobody else."""
    last = None
    for _ in range(80):
        s = stat_all()
        now = cpu(postgres.pid(), s) + (cpu(root, s) if root else 0)
        if last is not None and now - last <= 0.01:
            return
        last = now
        time.sleep(0.25)


def once(root, run):
    s0, c0, b0, t0 = stat_all(), resource.getrusage(resource.RUSAGE_CHILDREN), busy(), time.time()
    r = run()
    t1, b1, s1 = time.time(), busy(), stat_all()
    c1 = resource.getrusage(resource.RUSAGE_CHILDREN)
    ours = lambda s: (cpu(root, s) if root else 0) + cpu(postgres.pid(), s)
    client = c1.ru_utime + c1.ru_stime - c0.ru_utime - c0.ru_stime
    r["foreign"] = max(0.0, (b1 - b0 - (ours(s1) - ours(s0)) - client) / (t1 - t0))
    r["busy"] = (ours(s1) - ours(s0) + client) / (t1 - t0)
    drain(root)
    s2, n = stat_all(), max(1, r["sent"])
    r["server"] = (cpu(root, s2) - cpu(root, s0)) * 1000 / n if root else None
    r["pg"] = (cpu(postgres.pid(), s2) - cpu(postgres.pid(), s0)) * 1000 / n
    r["client"] = client * 1000 / n
    return r


def measured(what, root, run, retries, wait):
    for k in range(retries + 1):
        if wait:
            quiet(wait)
        r = once(root, run)
        r["tries"] = k + 1
        if r["bad"]:
            raise SystemExit(f"{what}: {r['bad']} bad responses of {r['n']}: {r['why']}")
        if r["foreign"] <= FOREIGN:
            break
    return r


def bodies(peer, op, seed, people, count=4000, one_of=None):
    """A file of requests: a token where there is one, a tab, the body."""
    rnd = random.Random(seed)
    path = f"{STATE}/req.{peer.name}.{op}"
    with open(path, "w") as f:
        for _ in range(1 if op == "page" else count):
            v = variables(op, rnd, people)
            if one_of:
                v["id"] = rnd.choice(one_of)
            token = peer.token(op, v)
            f.write((token + "\t" if token else "") + peer.body(op, v) + "\n")
    return path


def wrk(peer, op, requests, minlen, seconds, conns):
    """Every response has to be 200, long enough and without errors: bench.lua looks."""
    out = subprocess.run(["wrk", "-t1", f"-c{conns}", f"-d{seconds}s", "--timeout", "20s", "-s", f"{HERE}/bench.lua", peer.base, "--", peer.path.format(op=op), requests, str(minlen)],
                         text=True, capture_output=True)
    m = re.search(r"RIG((?: \d+){11})\n(.*)", out.stdout)
    if not m:
        raise SystemExit("wrk: " + out.stdout[-500:] + out.stderr[-500:])
    n, us, p50, p99, bad, *errors, sent = map(int, m[1].split())
    why = f"{m[2]} connect/read/write/status/timeout {errors}"
    return {"n": n, "sent": sent, "rps": n / us * 1e6, "p50": p50 / 1000, "p99": p99 / 1000, "bad": bad + sum(errors), "why": why}
