"""Made-up logs whose lines name several transactions: a cloud, a shop's sessions and orders, jobs and tasks, and more.

Each is a list of events; the messages with their identifiers stand beside the generator, as (text, identifiers). What a
generator knows goes nowhere but into the assertions of tests.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random

import numpy as np

from models.mining.slots import FieldSamples, TemplateSample

Message = tuple[str, dict[str, str]]
"""The text, with fields in braces; and its identifiers, field → kind."""

_FIELD = re.compile(r"\{(\w+)\}")
_PIECE = re.compile(r"\{\w+\}|[^{]+")
_START = datetime(2026, 3, 2, 8, 0, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Event:
    at: float
    """Seconds since the log began."""
    message: int
    fields: Mapping[str, str]


class Log:
    """Events of messages.

    Attributes:
        messages: all messages.
        events: in order of time.
    """

    def __init__(self, messages: Sequence[Message]) -> None:
        self.messages = messages
        self.events: list[Event] = []

    def add(self, at: float, message: int, **fields: str) -> None:
        self.events.append(Event(at, message, fields))

    def noisy(self, rng: Random, share: float) -> Log:
        """The log with a share of its lines lost and as many moved by a few seconds."""
        log = Log(self.messages)
        for event in self.events:
            fate = rng.random()
            if fate >= share:
                moved = event.at + rng.uniform(-3, 3) if fate < 2 * share else event.at
                log.events.append(Event(max(0.0, moved), event.message, event.fields))
        return log.sorted()

    def sorted(self) -> Log:
        self.events.sort(key=lambda event: event.at)
        return self

    def lines(self) -> list[str]:
        """The log as text."""
        found = []
        for event in self.events:
            when = (_START + timedelta(milliseconds=int(event.at * 1000))).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
            text = self.messages[event.message][0]
            values = event.fields
            found.append(when + " " + "".join(values[p[1:-1]] if p[0] == "{" else p for p in _PIECE.findall(text)))
        return found

    def samples(self) -> FieldSamples:
        """The fields of each message, as discovery takes them."""
        found = {}
        for message, (text, _) in enumerate(self.messages):
            rows = [row for row, event in enumerate(self.events) if event.message == message]
            names = _FIELD.findall(text)
            columns = {name: [self.events[row].fields[name] for row in rows] for name in names}
            found[message] = TemplateSample(np.array(rows, np.int64), columns)
        return found

    def wanted(self) -> dict[int, dict[str, str]]:
        """The identifiers of each message that has some and occurs."""
        seen = {event.message for event in self.events}
        return {at: kinds for at, (_, kinds) in enumerate(self.messages) if kinds and at in seen}


REQUEST, INSTANCE = {"req": "request"}, {"vm": "instance"}
CLOUD: list[Message] = [
    ("INFO api.access [req-{req} {user}] accepted POST /servers from {ip}", REQUEST),
    ("INFO scheduler.pick [req-{req}] host node-{host} chosen out of {hosts}", REQUEST),
    ("INFO worker.claim [req-{req}] [instance: {vm}] memory of {mb} MB claimed", REQUEST | INSTANCE),
    ("INFO worker.image [instance: {vm}] image fetched in {ms} ms", INSTANCE),
    ("INFO worker.power [instance: {vm}] machine started", INSTANCE),
    ("INFO worker.build [req-{req}] [instance: {vm}] built in {ms} ms", REQUEST | INSTANCE),
    ("INFO api.access [req-{req} {user}] answered with {status} after {ms} ms", REQUEST),
    ("INFO api.access [req-{req} {user}] wants {vm} to be gone", REQUEST | INSTANCE),
    ("INFO worker.stop [req-{req}] [instance: {vm}] shutting down", REQUEST | INSTANCE),
    ("INFO worker.disk [instance: {vm}] disk of {gb} GB freed", INSTANCE),
    ("INFO api.access [req-{req} {user}] listed {count} servers", REQUEST),
    ("INFO worker.audit free memory {mb} MB, free disk {gb} GB", {}),
]


def uuid(rng: Random) -> str:
    digits = f"{rng.getrandbits(128):032x}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def cloud(seed: int, instances: int = 250) -> Log:
    """Requests that make, list and remove instances; the machine's own lines name the instance only."""
    rng, log = Random(seed), Log(CLOUD)
    users = [f"{rng.getrandbits(128):032x}" for _ in range(12)]

    def small(least: int, most: int) -> str:
        return str(rng.randint(least, most))

    for number in range(instances):
        begin, vm, user = number * 4 + rng.uniform(0, 4), uuid(rng), rng.choice(users)
        req, at = uuid(rng), begin
        log.add(at, 0, req=req, user=user, ip=f"10.4.{rng.randrange(4)}.{rng.randrange(200)}")
        log.add(at := at + rng.uniform(0.1, 0.4), 1, req=req, host=small(1, 9), hosts=small(7, 9))
        log.add(at := at + rng.uniform(0.1, 0.6), 2, req=req, vm=vm, mb=small(1, 8) + "000")
        log.add(at + rng.uniform(0.0, 0.3), 6, req=req, user=user, status="202", ms=small(100, 900))
        log.add(at := at + rng.uniform(1, 3), 3, vm=vm, ms=small(500, 5000))
        log.add(at := at + rng.uniform(1, 4), 4, vm=vm)
        log.add(at := at + rng.uniform(0.1, 1), 5, req=req, vm=vm, ms=small(2000, 9000))
        if rng.random() < 0.9:
            gone, again = at + rng.uniform(10, 25), uuid(rng)
            log.add(gone, 7, req=again, user=user, vm=vm)
            log.add(gone + rng.uniform(0.1, 0.3), 8, req=again, vm=vm)
            log.add(gone + rng.uniform(0.4, 0.6), 6, req=again, user=user, status="204", ms=small(100, 900))
            log.add(gone + rng.uniform(1, 3), 9, vm=vm, gb=small(10, 40))
        for _ in range(rng.randrange(3)):
            asked, other = begin + rng.uniform(0, 30), uuid(rng)
            log.add(asked, 10, req=other, user=user, count=small(0, 40))
            log.add(asked + rng.uniform(0.02, 0.2), 6, req=other, user=user, status="200", ms=small(10, 90))
        log.add(begin + rng.uniform(0, 10), 11, mb=small(4000, 64000), gb=small(100, 900))
    return log.sorted()


SESSION, ORDER = {"session": "session"}, {"order": "order"}
SHOP: list[Message] = [
    ("INFO web login of {user} from {ip}:{port} opens session {session}", SESSION),
    ("INFO web session={session} looks at item {item} thread={thread}", SESSION),
    ("INFO web session={session} places order {order} of {cents} cents thread={thread}", SESSION | ORDER),
    ("INFO pay order {order} charged {cents} cents by worker {thread}", ORDER),
    ("INFO store order {order} packed into {boxes} boxes", ORDER),
    ("INFO web session={session} logs out after {ms} ms", SESSION),
    ("INFO cron swept {count} carts in {ms} ms", {}),
]


def shop(seed: int, sessions: int = 300) -> Log:
    """Sessions with some orders each, which live on after the session; users, threads and amounts come back."""
    rng, log = Random(seed), Log(SHOP)
    order = 40_000
    for number in range(sessions):
        begin, session = number * 3 + rng.uniform(0, 3), f"{rng.getrandbits(64):016x}"
        at = begin
        log.add(
            at,
            0,
            session=session,
            user=f"user{rng.randrange(60)}",
            ip=f"10.0.0.{rng.randrange(250)}",
            port=str(rng.randint(30_000, 60_000)),
        )
        for _ in range(rng.randint(1, 4)):
            for _ in range(rng.randint(0, 3)):
                at += rng.uniform(0.5, 3)
                log.add(at, 1, session=session, item=str(rng.randint(1, 90)), thread=str(rng.randint(1, 8)))
            at += rng.uniform(0.5, 3)
            order, name = order + 1, f"o{order}"
            cents = str(rng.randint(5, 200) * 100 - 1)
            log.add(at, 2, session=session, order=name, cents=cents, thread=str(rng.randint(1, 8)))
            log.add(at + rng.uniform(0.5, 2), 3, order=name, cents=cents, thread=str(rng.randint(1, 8)))
            log.add(at + rng.uniform(4, 9), 4, order=name, boxes=str(rng.randint(1, 3)))
        log.add(at + rng.uniform(1, 3), 5, session=session, ms=str(rng.randint(1000, 60_000)))
        log.add(begin + rng.uniform(0, 20), 6, count=str(rng.randint(0, 50)), ms=str(rng.randint(1, 999)))
    return log.sorted()


JOB, TASK = {"job": "job"}, {"task": "task"}
JOBS: list[Message] = [
    ("INFO master job {job} of queue {queue} accepted", JOB),
    ("INFO master job {job} sends task {task} to node{node}", JOB | TASK),
    ("INFO node{node} task {task} of job {job} runs in slot {slot}", JOB | TASK),
    ("INFO node{node} task {task} of job {job} wrote {bytes} bytes", JOB | TASK),
    ("INFO master job {job} finished after {ms} ms", JOB),
]


def jobs(seed: int, count: int = 150) -> Log:
    """Jobs with three to eight tasks; every line of a task names its job."""
    rng, log = Random(seed), Log(JOBS)
    for number in range(count):
        at, job = number * 6 + rng.uniform(0, 6), f"job_{1000 + number}"
        log.add(at, 0, job=job, queue=rng.choice("abc"))
        last = at
        for place in range(rng.randint(3, 8)):
            task, node = f"task_{1000 + number}_{place:03d}", str(rng.randint(1, 20))
            sent = at + rng.uniform(0.2, 2)
            runs = sent + rng.uniform(0.1, 0.5)
            wrote = runs + rng.uniform(1, 6)
            last = max(last, wrote)
            log.add(sent, 1, job=job, task=task, node=node)
            log.add(runs, 2, job=job, task=task, node=node, slot=str(rng.randint(1, 4)))
            log.add(wrote, 3, job=job, task=task, node=node, bytes=str(rng.randint(10_000, 900_000)))
        log.add(last + rng.uniform(0.1, 0.5), 4, job=job, ms=str(rng.randint(3000, 9000)))
    return log.sorted()


CALLS: list[Message] = [
    ("INFO gate call {call} of {user} from {ip}:{port} begins", {"call": "call"}),
    ("INFO gate call {call} reads {bytes} bytes from {ip}:{port}", {"call": "call"}),
    ("INFO back thread {thread} works on call {call} of {user}", {"call": "call"}),
    ("INFO gate call {call} from {ip}:{port} ends after {ms} ms", {"call": "call"}),
]


def calls(seed: int, count: int = 400) -> Log:
    """Calls whose lines also name who called from where: addresses, ports, users and threads are no transactions."""
    rng, log = Random(seed), Log(CALLS)
    homes = [f"10.1.{rng.randrange(9)}.{n}" for n in range(80)]
    for number in range(count):
        at, call, user = number * 2 + rng.uniform(0, 2), f"c{rng.getrandbits(40):010x}", f"user{rng.randrange(80)}"
        where = {"ip": homes[int(user[4:])], "port": str(rng.randint(30_000, 60_000))}
        log.add(at, 0, call=call, user=user, **where)
        for _ in range(rng.randint(1, 5)):
            at += rng.uniform(0.2, 2)
            log.add(at, 1, call=call, bytes=str(rng.randint(100, 90_000)), **where)
        log.add(at := at + rng.uniform(0.1, 1), 2, call=call, user=user, thread=str(rng.randint(1, 8)))
        log.add(at + rng.uniform(0.1, 1), 3, call=call, ms=str(rng.randint(100, 9000)), **where)
    return log.sorted()


CONN, UNIT = {"conn": "conn"}, {"unit": "unit"}
POOL: list[Message] = [
    ("INFO net conn {conn} opened by {user}", CONN),
    ("INFO net conn {conn} carries unit {unit} of {bytes} bytes", CONN | UNIT),
    ("INFO disk unit {unit} stored on disk{disk}", UNIT),
    ("INFO net conn {conn} closed after {ms} ms", CONN),
    ("INFO disk unit {unit} checked in {ms} ms", UNIT),
]


def pool(seed: int, count: int = 500) -> Log:
    """Connections with some units each; a tenth of the connections has a name that was in use long before."""
    rng, log = Random(seed), Log(POOL)
    names: list[str] = []
    unit = 7_000
    for number in range(count):
        old = len(names) > 100 and rng.random() < 0.1
        conn = rng.choice(names[:-50]) if old else f"c{rng.getrandbits(32):08x}"
        names.append(conn)
        at = number * 2 + rng.uniform(0, 2)
        log.add(at, 0, conn=conn, user=f"user{rng.randrange(30)}")
        for _ in range(rng.randint(1, 4)):
            at += rng.uniform(0.3, 2)
            unit, name = unit + 1, f"u{unit}"
            log.add(at, 1, conn=conn, unit=name, bytes=str(rng.randint(1000, 90_000)))
            log.add(at + rng.uniform(0.1, 1), 2, unit=name, disk=str(rng.randint(1, 9)))
            log.add(at + rng.uniform(1.5, 4), 4, unit=name, ms=str(rng.randint(1, 90)))
        log.add(at + rng.uniform(0.1, 1), 3, conn=conn, ms=str(rng.randint(1000, 9000)))
    return log.sorted()


LOGS: dict[str, Callable[[int], Log]] = {"cloud": cloud, "shop": shop, "jobs": jobs, "calls": calls, "pool": pool}
