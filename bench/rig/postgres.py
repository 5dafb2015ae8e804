"""The private PostgreSQL: statements, its process, and pgbench, the same work by prepared statements without any server."""
import glob, os, random, re, subprocess, time

from place import HERE, PGBIN, PGPORT, STATE

ENV = dict(os.environ, PGHOST="127.0.0.1", PGPORT=PGPORT, PGUSER="rig", PGDATABASE="rig", PGPASSWORD="rig")


def psql(sql, database="rig", **variables):
    cmd = [f"{PGBIN}/psql", "-XqAt", "-d", database, "-v", "ON_ERROR_STOP=1"]
    for k, v in variables.items():
        cmd += ["-v", f"{k}={v}"]
    done = subprocess.run(cmd, input=sql, env=ENV, text=True, capture_output=True)
    if done.returncode:
        raise SystemExit(f"psql {database}: {done.stderr.strip()}\n{sql[:300]}")
    return done.stdout.strip()


def sqlfile(name):
    return open(f"{HERE}/sql/{name}.sql").read()


def pid():
    return int(open(f"{STATE}/pg/postmaster.pid").readline())


def statements(ask, count=20):
    """SQL statements of a request (BEGIN and COMMIT included), by pg_stat_statements over `count` of them, one after the other. What ran for
    fewer than a quarter of the requests is no part of them: the service looks into its queues each second."""
    psql("alter system set pg_stat_statements.track = 'top'")
    psql("select pg_reload_conf()")
    time.sleep(0.3)
    ask()
    psql("select pg_stat_statements_reset()")
    for _ in range(count):
        ask()
    time.sleep(0.05)
    calls = psql(f"select coalesce(sum(calls), 0) from pg_stat_statements where query !~ 'pg_stat_statements' and calls * 4 >= {count}")
    psql("alter system set pg_stat_statements.track = 'none'")
    psql("select pg_reload_conf()")
    return int(calls) / count


# ---------------------------------------------------------------- pgbench
GAMES = [("scenario_game_data", "current_level", ["traits", "penalties"]), ("shape_sequence_game_data", "current_level", ["level_results"]),
         ("jobs_game_data", None, ["job_choices"]), ("speed_game_data", "current_level", ["level_stats"]), ("abilities_game_data", None, ["skill_assessment"]),
         ("skills_game_data", None, ["skills_assessment"]), ("room_env_game_data", None, ["room_data"])]

# Of each operation: what the table calls it, the script, how many statements it has.
PGBENCH = {"me": [("pgbench, one JSON statement", "me-json", 1), ("pgbench, twelve statements", "me-12", 12)],
           "page": [("pgbench, one JSON statement", "page-json", 1), ("pgbench, six statements", "page-6", 6)],
           "tiny": [("pgbench, one statement", "tiny-1", 1)], "save": [("pgbench, one statement", "save-1", 1)]}


def write_scripts(people, first_saver):
    """Writes pgbench's scripts; saves go to the people that nothing else is compared of."""
    def columns(game):
        table, level, json = game
        return f"id, {level or 'NULL::int4'}, completion, {json[0]}, {json[1] if len(json) > 1 else 'NULL::jsonb'}"

    def any_of(cols, table, extra="", key="user_id", ids="ARRAY[:id]::int[]"):
        return f"SELECT {cols} FROM {table} WHERE {key} = ANY({ids}) {extra};"

    def plain(name):
        return "\n".join(line for line in sqlfile(name).splitlines() if not line.startswith("--"))

    anybody = f"\\set id random(1, {people})\n"
    twelve = ["SELECT u.id, u.username, u.date_created, u.is_active, u.onboarding_complete, u.role_id FROM users u WHERE u.id = :id;",
              any_of("r.role_name, r.description", "roles r", key="r.id", ids="ARRAY[1 + :id % 2]::int[]"),
              any_of("d.first_name, d.last_name, d.age, d.email, d.phone_number, d.address", "user_details d", key="d.user_id"),
              any_of("a.avatar_gender, a.avatar_accessories, a.avatar_color, a.avatar_passions, a.avatar_expression", "user_avatar_infos a", key="a.user_id"),
              any_of('passion_text, "order"', "user_passions", "ORDER BY id")]
    twelve += [any_of(f"DISTINCT ON (user_id) user_id, {columns(g)}", g[0], "ORDER BY user_id, id DESC") for g in GAMES]
    fifty = "'{" + ",".join(map(str, range(1, 51))) + "}'::int[]"
    of_fifty = lambda table, cols, extra="ORDER BY id": any_of("user_id, " + cols, table, extra, ids=fifty)
    six = ["SELECT id, username, role_id FROM users ORDER BY id LIMIT 50;", "SELECT id, role_name FROM roles WHERE id = ANY('{1}'::int[]);",
           of_fifty("user_details", "first_name, last_name", ""), of_fifty("user_passions", 'passion_text, "order"'),
           of_fifty("scenario_game_data", "id, current_level, completion, traits, penalties"),
           of_fifty("shape_sequence_game_data", "id, current_level, completion, level_results")]
    save = f"\\set gid random({first_saver}, {people})\n\\set lvl random(0,10)\n\\set c random(0,100)\n\\set a random(0,5)\n" + re.sub(
        r"RETURNING.*", "RETURNING id, current_level, completion, traits, penalties;", plain("save"), flags=re.S).replace(
        ":tr::jsonb", "jsonb_build_object('empathy',:a::int,'diplomacy',3,'assertiveness',2,'pragmatism',1,'patience',4)").replace(
        ":pe::jsonb", "'{\"timeouts\":1,\"incorrect_responses\":3}'::jsonb")
    scripts = {"me-json": anybody + plain("me"), "me-12": anybody + "\n".join(twelve), "page-json": plain("page"), "page-6": "\n".join(six),
               "tiny-1": anybody + "SELECT id, username FROM users WHERE id = :id;", "save-1": save}
    os.makedirs(f"{STATE}/pgbench", exist_ok=True)
    for name, script in scripts.items():
        open(f"{STATE}/pgbench/{name}.sql", "w").write(script + "\n")


def pgbench(script, seconds, clients):
    for f in glob.glob(f"{STATE}/pgb.*"):
        os.remove(f)
    out = subprocess.run([f"{PGBIN}/pgbench", "-n", "-M", "prepared", f"-c{clients}", "-j1", f"-T{seconds}", "-f", f"{STATE}/pgbench/{script}.sql", "-l",
                          f"--log-prefix={STATE}/pgb", "--sampling-rate=0.2"], env=ENV, text=True, capture_output=True)
    if out.returncode:
        raise SystemExit("pgbench: " + out.stderr[-800:])
    latency = sorted(int(line.split()[2]) for f in glob.glob(f"{STATE}/pgb.*") for line in open(f))
    n = int(re.search(r"actually processed: (\d+)", out.stdout)[1])
    failed = int(re.search(r"failed transactions: (\d+)", out.stdout)[1])
    rate = float(re.search(r"tps = ([\d.]+)", out.stdout)[1])
    return {"n": n, "sent": n, "rps": rate, "p50": latency[len(latency) // 2] / 1000, "p99": latency[int(len(latency) * .99)] / 1000, "bad": failed, "why": ""}
