"""The clock of an automation's own code in a replay."""

from __future__ import annotations

import datetime
import time
from typing import Any

import pytest

from sandbox.inside.loading import loaded

DAY = 86_400_000
CODE = """\
import datetime as whole
import time
from datetime import date, datetime, timedelta

async def run(page, parameters, task):
    now = datetime.now()
    assert isinstance(parameters["real"], datetime) and isinstance(now, whole.datetime) and isinstance(now, date)
    assert datetime.strptime("2020-02-29", "%Y-%m-%d").date() == date(2020, 2, 29)
    assert date.today() + timedelta(days=1) > whole.date.today()
    return [
        now.timestamp(), whole.datetime.now(whole.UTC).timestamp(), time.time(), time.time_ns() / 1e9,
        time.mktime(time.localtime()), whole.datetime.utcnow().replace(tzinfo=whole.UTC).timestamp(),
        datetime.today().timestamp(),
    ], [date.today().isoformat(), time.strftime("%Y-%m-%d"), time.strftime("%Y", time.gmtime(0))]
"""


@pytest.mark.parametrize("days", [-400, 0, 3])
async def test_code_sees_the_clock_of_the_recording_in_every_way(days: int) -> None:
    run = loaded("automation.py", CODE, "page", {"seed": 1, "offset": days * DAY})
    wanted, day = time.time() + days * 86_400, {time.strftime("%Y-%m-%d", time.localtime(time.time() + days * 86_400))}
    parameters: Any = {"real": datetime.datetime.now(datetime.UTC)}
    seen, dates = await run(None, parameters, None)
    day.add(time.strftime("%Y-%m-%d", time.localtime(time.time() + days * 86_400)))  # it may be midnight
    assert all(abs(each - wanted) < 60 for each in seen)
    assert set(dates[:2]) <= day
    assert dates[2] == "1970"
