"""What a request costs as there is more of everything: people, plays of a person, connections, cores. PostgreSQL alone."""
import json, os, random, sys, threading

import fillers, postgres
from measure import bodies, drain, measured, wrk
from operations import People, check, reference, variables
from peer import Peer
from place import HERE, STATE
from processes import pss_mib

PEER = "autrement-growth"
SIZES = [1_000, 20_000, 1_000_000]
PLAYS = [1, 100, 10_000]
CONNECTIONS = [10, 100, 1_000]
# People with each number of plays.
GROUP = 30
OPS = ["me", "save"]


def most_memory(peer, run):
    """Runs it, and gives the most memory that the service held meanwhile."""
    seen, over = [], threading.Event()

    def watch():
        while not over.wait(0.3):
            seen.append(pss_mib(peer.pid))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        result = run()
    finally:
        over.set()
        watcher.join()
    return {**result, "mem": max(seen, default=pss_mib(peer.pid))}


class Growth:
    def __init__(self, a):
        self.a, self.people, self.rows = a, People(), []
        self.config = json.load(open(f"{HERE}/peers.json"))[PEER]
        self.peer = Peer(PEER, self.config)
        v = variables("me", random.Random(1), self.people, compared=True)
        # A fifth of an answer: one of a person with little to tell.
        self.least = {"me": len(json.dumps(reference("me", v))) // 5, "save": 50}

    def slot(self, what, size, op, round_, conns=None, one_of=None):
        """Measures one operation for some seconds, and notes it under what has grown to which size."""
        a, peer, conns = self.a, self.peer, conns or self.a.conns
        requests = bodies(peer, op, 1000 + round_, self.people, one_of=one_of)
        run = lambda: most_memory(peer, lambda: wrk(peer, op, requests, self.least[op], a.seconds, conns))
        r = measured(f"{what} {size} {op}", peer.pid, run, a.retries, a.wait)
        self.rows.append({"what": what, "size": size, "op": op, **r})
        print(f"{what} {size} {op}: {r['rps']:.0f} req/s  p99 {r['p99']:.2f}  server {r['server']:.3f} pg {r['pg']:.3f}  {r['mem']:.0f} MiB  others {r['foreign']:.2f} tries {r['tries']}",
              file=sys.stderr, flush=True)

    def started(self, command_before=()):
        """The service, started anew: its memory and its connections are those of what comes next."""
        self.peer.stop()
        self.peer = Peer(PEER, self.config)
        self.peer.start(command_before)
        for op in OPS:
            check(self.peer, op, variables(op, random.Random(3), self.people, compared=True))
        wrk(self.peer, "me", bodies(self.peer, "me", 5, self.people), self.least["me"], self.a.warmup, self.a.conns)
        drain(self.peer.pid)

    def connections(self):
        for size in CONNECTIONS:
            self.started()
            for round_ in range(self.a.rounds):
                self.slot("connections", size, "me", round_, conns=size)

    def cores(self):
        """Everything that takes part on so many cores: the service, PostgreSQL and the client."""
        all_of_them = sorted(os.sched_getaffinity(0))
        sizes = [n for n in (1, 2, 4, 8, 16, 32) if n <= len(all_of_them)]
        try:
            for size in sizes:
                cores = set(all_of_them[:size])
                os.sched_setaffinity(postgres.pid(), cores)
                os.sched_setaffinity(0, cores)
                self.started()
                for round_ in range(self.a.rounds):
                    for op in OPS:
                        self.slot("cores", size, op, round_)
        finally:
            os.sched_setaffinity(0, all_of_them)
            os.sched_setaffinity(postgres.pid(), all_of_them)

    def plays(self):
        once = postgres.psql(f"select u.id from users u join scenario_game_data s on s.user_id = u.id where is_active and u.id > {self.people.compared} group by u.id having count(*) = 1 order by u.id limit {GROUP * len(PLAYS)}")
        once = [int(i) for i in once.split()]
        groups = {size: once[k::len(PLAYS)] for k, size in enumerate(PLAYS)}
        for size, group in groups.items():
            fillers.add_plays(group, size)
        fillers.settle()
        self.started()
        for round_ in range(self.a.rounds):
            for size, group in groups.items():
                for op in OPS:
                    self.slot("plays", size, op, round_, one_of=group)

    def sizes(self):
        there = self.people.count
        for size in SIZES:
            if size > there:
                print(f"growing to {size} people", file=sys.stderr, flush=True)
                fillers.add_people(self.people.count, there + 1, size)
                fillers.settle()
                there = size
            self.started()
            for round_ in range(self.a.rounds):
                for op in OPS:
                    self.slot("people", size, op, round_)


def run(a):
    """Gives a row for each slot."""
    growth = Growth(a)
    try:
        growth.peer.start()
        growth.connections()
        growth.cores()
        growth.sizes()
        growth.plays()
    finally:
        growth.peer.stop()
        with open(f"{STATE}/growth.json", "w") as f:
            json.dump(growth.rows, f)
    return {"rows": growth.rows}
