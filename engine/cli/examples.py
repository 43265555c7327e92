"""One example for the help of each command, by the words that name it."""

from __future__ import annotations

from collections.abc import Mapping

EXAMPLES: Mapping[str, str] = {
    "run": (
        'webtasks run "List the books on the given shelf" --key shelf \\\n'
        "      --start-url https://books.example/ -p shelf=Travel"
    ),
    "start": "webtasks start --key shelf -p shelf=Travel",
    "result": "webtasks result wt_8sJ2kfQ0 --wait",
    "list": "webtasks list --status started",
    "cancel": "webtasks cancel wt_8sJ2kfQ0",
    "watch": "webtasks watch wt_8sJ2kfQ0",
    "why": "webtasks why wt_8sJ2kfQ0 '$[3].price'",
    "report": "webtasks report wt_8sJ2kfQ0 --open",
    "accept": "webtasks accept shelf",
    "compile": "webtasks compile shelf",
    "costs": "webtasks costs shelf",
    "attempts": "webtasks attempts --format csv -o attempts.csv",
    "check": "webtasks check automations/\n  webtasks check automations/ shelf --record -p shelf=Travel",
    "drift": "webtasks drift shelf --start-url https://books.example/ -p shelf=Travel",
    "study": "webtasks study run study.toml",
    "study run": "webtasks study run study.toml -o results",
    "study report": "webtasks study report results -o report.html",
    "study compare": "webtasks study compare before after",
    "study frame": "webtasks study frame results -o runs.csv",
    "study export": "webtasks study export results --format parquet -o trajectories",
    "bench": "webtasks bench heal --quick",
    "bench heal": "webtasks bench heal --system webtasks --system script -o heal.json",
    "bundles": "webtasks bundles show shelf",
    "bundles list": "webtasks bundles list --limit 20",
    "bundles show": "webtasks bundles show shelf --code > automation.py",
    "bundles log": "webtasks bundles log shelf --limit 5",
    "bundles diff": "webtasks bundles diff shelf 3f2a91c HEAD",
    "bundles rollback": "webtasks bundles rollback shelf 3f2a91c",
    "bundles pin": "webtasks bundles pin shelf",
    "bundles unpin": "webtasks bundles unpin shelf",
    "bundles adopt": "webtasks bundles adopt shelf -p shelf=Travel --other shelf=Poetry",
    "bundles export": "webtasks bundles export shelf -o shelf.bundle\n  webtasks bundles export automations/ --plain",
    "bundles client": "webtasks bundles client shelf -o shelf.py",
    "bundles import": "webtasks bundles import shelf.bundle --key copy",
    "bundles rm": "webtasks bundles rm shelf --yes",
    "cassette": "webtasks cassette show shelf.wtrec",
    "cassette show": "webtasks cassette show shelf.wtrec --body 1",
    "cassette diff": "webtasks cassette diff shelf.wtrec new.wtrec",
    "pool": "webtasks pool start",
    "pool start": "webtasks pool start --idle 300",
    "pool status": "webtasks pool status",
    "pool stop": "webtasks pool stop",
    "serve": "webtasks serve --port 8484 --usd-per-day 1",
    "ui": "webtasks ui",
    "mcp": "webtasks mcp --allow-ai --usd-per-day 1",
    "keys": "webtasks keys create --name laptop",
    "keys create": "webtasks keys create --name laptop > key.txt",
    "keys list": "webtasks keys list",
    "keys revoke": "webtasks keys revoke wk_3f2a91c0",
    "doctor": "webtasks doctor",
    "demo": "webtasks demo",
}
"""The example of each command that the help lists; that of an alias is the command's own."""
