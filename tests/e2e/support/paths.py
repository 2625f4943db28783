"""Where things are. The environment variables let the tests run against other builds."""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))

STRONGROOMD = Path(os.environ.get("STRONGROOMD", TARGET / "debug" / "strongroomd"))
STRONGROOM = Path(os.environ.get("STRONGROOM", TARGET / "debug" / "strongroom"))
KMIPD = Path(os.environ.get("KMIPD", TARGET / "debug" / "kmipd"))
PYKMIP_SERVER = Path(
    os.environ.get("STRONGROOM_PYKMIP", Path(sys.executable).parent / "pykmip-server")
)
NODE_DIR = ROOT / "tests" / "node"
MONGOSH = NODE_DIR / "node_modules" / ".bin" / "mongosh"
