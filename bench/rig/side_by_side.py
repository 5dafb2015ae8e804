"""All peers, interleaved: rounds over the operations, in each of them every peer once, beginning with another one each round."""
import json, os, random, sys

import postgres
from measure import bodies, drain, measured, wrk
from operations import People, check, reference, variables
from peer import Peer
from place import HERE, OPS, POOL, STATE
from processes import pss_mib
from report import cell


def answer_lengths():
    """Writes each operation's reference as a body, which the peer that is HTTP alone answers with, and gives their lengths."""
    os.makedirs(f"{STATE}/bodies", exist_ok=True)
    people, lengths = People(), {}
    for op in OPS:
        body = {"data": {op: reference(op, variables(op, random.Random(1), people, compared=True))}}
        with open(f"{STATE}/bodies/{op}.json", "w") as f:
            json.dump(body, f, ensure_ascii=False, separators=(",", ":"))
        lengths[op] = os.path.getsize(f"{STATE}/bodies/{op}.json")
    return lengths


def run(a):
    """Gives what was measured, by operation and peer, a list with an entry a round."""
    config = json.load(open(f"{HERE}/peers.json"))
    names, ops, people = a.peers.split(","), a.ops.split(","), People()
    unknown = [name for name in names if name not in config] + [op for op in ops if op not in OPS]
    if unknown:
        raise SystemExit(f"unknown: {', '.join(unknown)}. Peers are {', '.join(config)}; operations are {', '.join(OPS)}.")
    lengths = answer_lengths()
    postgres.write_scripts(people.count, people.compared + 1)
    conns = lambda op: a.page_conns if op == "page" else a.conns
    peers, results = [Peer(name, config[name]) for name in names], {op: {} for op in ops}
    try:
        for p in peers:
            p.start()
        for p in peers:
            for op in (op for op in ops if op in p.ops):
                for seed in range(3):
                    check(p, op, variables(op, random.Random(100 + seed), people, compared=True))
                # SQLite counts no statements; the tests of the service do.
                if not p.static and not p.config.get("sqlite"):
                    rnd = random.Random(7)
                    p.sql[op] = postgres.statements(lambda: p.post(op, variables(op, rnd, people)))
            print(f"checked {p.name}: answers equal to the reference; statements a request {p.sql}", file=sys.stderr, flush=True)
        # A half of the reference: persons with less to tell have shorter answers.
        slot = lambda p, op, seed, seconds: wrk(p, op, bodies(p, op, seed, people), lengths[op] // 2, seconds, conns(op))
        for p in peers:
            for op in (op for op in ops if op in p.ops):
                slot(p, op, 5, a.warmup)
                drain(p.pid)
        for rnd in range(a.rounds):
            for op in ops:
                slots = [p for p in peers if op in p.ops] + ([] if a.no_pgbench else postgres.PGBENCH[op])
                k = rnd * 3 % len(slots)
                for p in slots[k:] + slots[:k]:
                    if isinstance(p, Peer):
                        name = p.name
                        r = measured(f"{name} {op}", p.pid, lambda: slot(p, op, 1000 + rnd, a.seconds), a.retries, a.wait)
                        r["sql"], r["mem"] = p.sql.get(op), pss_mib(p.pid)
                        check(p, op, variables(op, random.Random(2000 + rnd), people, compared=True))
                    else:
                        name, script, r_sql = p
                        r = measured(name, None, lambda: postgres.pgbench(script, a.seconds, int(POOL)), a.retries, a.wait)
                        r["sql"] = r_sql
                    results[op].setdefault(name, []).append(r)
                    print(f"round {rnd} {op:5} {name:26} {r['rps']:10.0f} req/s  p50 {r['p50']:.2f} p99 {r['p99']:.2f}  server {cell(r['server'], 3)} pg {r['pg']:.3f} "
                          f"client {r['client']:.3f}  used {r['busy']:.2f} others {r['foreign']:.2f} tries {r['tries']}", file=sys.stderr, flush=True)
                if op == "save":
                    for database in {"rig", *(p.config["database"] for p in peers if "database" in p.config)}:
                        postgres.psql("vacuum scenario_game_data", database=database)
                    postgres.psql("checkpoint")
    finally:
        for p in peers:
            p.stop()
        with open(f"{STATE}/measured.json", "w") as f:
            json.dump(results, f)
    return {"people": people.count, "lengths": lengths, "results": results}
