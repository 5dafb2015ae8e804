"""A server that is measured: how it is started and asked (peers.json)."""
import json, os, re, signal, subprocess, time, urllib.error, urllib.request

from place import HERE, OPS, POOL, STATE, database, expand


class Peer:
    def __init__(self, name, config):
        self.name, self.config = name, config
        self.cwd = os.path.join(HERE, config.get("cwd", "."))
        self.base, self.path = f"http://127.0.0.1:{config['port']}", config.get("path", "/graphql")
        self.static = config.get("static", False)
        # Its rows are in a database of its own: ids differ, lists may come in another order.
        self.own_db = config.get("own_db", False)
        read = lambda f: open(expand(f)).read().split()
        # Line n is the token of person n; a request is then that person's own.
        self.tokens = read(config["tokens"]) if "tokens" in config else []
        self.page_token = read(config["page_token"])[0] if "page_token" in config else None
        self.ops = config.get("ops", OPS)
        self.proc, self.pid, self.sql = None, None, {}
        self.query = {} if self.static else {op: open(f"{self.cwd}/queries/{op}.graphql").read() for op in self.ops}

    def start(self, command_before=(), **more):
        port = str(self.config["port"])
        put = lambda text: expand(text.replace("$PORT", port))
        env = {**os.environ, "PORT": port, "DATABASE_URL": database("rig"), "POOL": POOL, "NODE_ENV": "production", "GRAPHILE_ENV": "production",
               "FLOOR_DIR": f"{STATE}/bodies", **{k: put(v) for k, v in self.config.get("env", {}).items()}, **more}
        log = open(f"{STATE}/{self.name}.log", "w")
        command = [*command_before, *(put(a) for a in self.config["start"])]
        self.proc = subprocess.Popen(command, cwd=self.cwd, env=env, stdout=log, stderr=log, start_new_session=True)
        self.pid = self.proc.pid
        for _ in range(120):
            if self.proc.poll() is not None:
                break
            try:
                urllib.request.urlopen(self.base + "/", timeout=2).read()
                return
            except urllib.error.HTTPError:
                return
            except OSError:
                time.sleep(0.25)
        raise SystemExit(f"{self.name} does not answer on {self.base}; see {log.name}:\n{open(log.name).read()[-800:]}")

    def stop(self):
        if self.proc and self.proc.poll() is None:
            os.killpg(self.proc.pid, signal.SIGTERM)
            try:
                self.proc.wait(5)
            except subprocess.TimeoutExpired:
                os.killpg(self.proc.pid, signal.SIGKILL)
                self.proc.wait()

    def body(self, op, variables):
        if self.tokens:
            variables = {k: v for k, v in variables.items() if k != "id"}
        return json.dumps({"query": self.query.get(op, "static"), "variables": variables}, ensure_ascii=False)

    def token(self, op, variables):
        if op == "page" and self.page_token:
            return self.page_token
        if self.tokens:
            return self.tokens[variables["id"] - 1]

    def post(self, op, variables):
        headers = {"content-type": "application/json", "accept": "application/json"}
        if token := self.token(op, variables):
            headers["authorization"] = "Bearer " + token
        request = urllib.request.Request(self.base + self.path.format(op=op), self.body(op, variables).encode(), headers)
        return json.loads(urllib.request.urlopen(request, timeout=30).read())
