"""The four operations: whom they are about, and whether an answer is the reference's."""
import json, re
from datetime import datetime

from postgres import psql, sqlfile


class People:
    """Who is in the rig's tables. Those who are kept out can't sign in, so nobody is asked about them. Saves go to the later ones: of the
    first thousand (or the first half) everything stays as it was loaded, in every database, and is compared."""

    def __init__(self):
        self.count = int(psql("select count(*) from users"))
        self.compared = min(1000, self.count // 2)
        self.active = [int(i) for i in psql("select id from users where is_active order by id").split()]
        # The play of this number is that person's first one.
        first = psql("select count(*) from users u join scenario_game_data s on s.id = u.id and s.user_id = u.id")
        if int(first) != self.count:
            raise SystemExit("the first play of each person does not have their number: load the data anew")

    def somebody(self, rnd, compared=False):
        return rnd.choice([i for i in self.active if i <= self.compared] if compared else self.active)

    def saver(self, rnd):
        while (i := rnd.choice(self.active)) <= self.compared:
            pass
        return i


def variables(op, rnd, people, compared=False):
    if op in ("me", "tiny"):
        return {"id": people.somebody(rnd, compared)}
    if op == "save":
        i = lambda k: rnd.randint(0, k)
        return {"id": people.saver(rnd), "currentLevel": i(10), "completion": i(1000) / 10,
                "traits": {k: i(5) for k in ("empathy", "diplomacy", "assertiveness", "pragmatism", "patience")},
                "penalties": {"timeouts": i(4), "incorrect_responses": i(8)}}
    return {}


def reference(op, v):
    return dict(v) if op == "save" else json.loads(psql(sqlfile(op), **v))


# Where a list of one stands for the one.
LATEST = {"scenario", "shape", "jobs", "speed", "abilities", "skills", "room", "me", "tiny"}


def norm(x, key=None):
    """Unwraps {nodes: [..]}, takes the one element where one is meant, reads timestamps and numbers alike."""
    if isinstance(x, dict):
        if set(x) == {"nodes"}:
            return norm(x["nodes"], key)
        if set(x) == {"row"}:
            return norm(x["row"], key)
        return {k: norm(v, k) for k, v in x.items()}
    if isinstance(x, list):
        if key in LATEST or key == "save":
            return norm(x[0], key) if x else None
        return [norm(v) for v in x]
    if key == "dateCreated":
        t = x.replace(" +", "+").replace("Z", "+00:00")
        return datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", t)).timestamp()
    return float(x) if isinstance(x, (int, float)) and not isinstance(x, bool) else x


def without_ids(x):
    """For a peer with a database of its own: ids dropped, lists of objects in one order."""
    if isinstance(x, dict):
        return {k: without_ids(v) for k, v in x.items() if k != "id"}
    if isinstance(x, list):
        y = [without_ids(v) for v in x]
        return sorted(y, key=lambda v: json.dumps(v, sort_keys=True)) if y and isinstance(y[0], dict) else y
    return x


def check(peer, op, v):
    """Stops everything where an answer is not equal to the reference."""
    got = peer.post(op, v)
    if peer.static:
        return
    if got.get("errors"):
        raise SystemExit(f"{peer.name} {op}: {json.dumps(got['errors'])[:600]}")
    a, b = norm(got["data"][op], op), norm(reference(op, v), op)
    if peer.own_db:
        a, b = without_ids(a), without_ids(b)
    if a != b:
        raise SystemExit(f"{peer.name} {op} {v}: differs from the reference\n got {json.dumps(a)[:900]}\n ref {json.dumps(b)[:900]}")
    if op == "save" and not peer.own_db:
        row = json.loads(psql("select row_to_json(s) from scenario_game_data s where id=" + str(v["id"])))
        assert row["traits"] == v["traits"] and row["completion"] == v["completion"], f"{peer.name}: save did not reach the table"
