"""Every generated log is read back as text and judged, line by line, by the plain rules of its workflows."""

import gzip
import itertools
import json
import re
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta

import pytest

from models.errors import UserError
from models.sample.background import BACKGROUND, FOREIGN, FOREIGN_WITH_ID
from models.sample.generator import START, generate, generate_lines, write_lines
from models.sample.shop import WORKFLOWS
from models.sample.traffic import Rates
from models.sample.truth import TYPES, Truth

SEEDS = [1, 2, 3]
STAMP = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}) (.*)", re.DOTALL)


def as_regex(text, identifier="never"):
    """A pattern for lines of that text, traces apart."""
    pattern = re.escape(text).replace(r"\{id\}", f"(?P<id>{identifier})").replace(r"\{trace\}", "")
    return re.compile(re.sub(r"\\\{\w+\\\}", r"\\S+?", pattern) + r"\Z")


KINDS = {(w.name, s.name): as_regex(s.text, w.identifier) for w in WORKFLOWS for s in w.states}
ANY_ID = "|".join(w.identifier for w in WORKFLOWS)
FOREIGN_KINDS = [as_regex(text, ANY_ID) for text in FOREIGN + FOREIGN_WITH_ID]
BACKGROUND_KINDS = [as_regex(text) for _, text in BACKGROUND]


def time_of(line):
    found = STAMP.match(line)
    return datetime.strptime(found[1], "%Y-%m-%d %H:%M:%S,%f").replace(tzinfo=UTC) if found else None


def read(data):
    """(transactions, other lines): {(workflow, id): [(line number, time, state)]} and [(line number, kind, id)]."""
    transactions, others = defaultdict(list), []
    for number, line in enumerate(data.decode().splitlines(), 1):
        at = time_of(line)
        if at is None:
            continue
        content = line[len("2026-01-12 06:00:00,000 ") :]
        hits = [(kind, found["id"]) for kind, regex in KINDS.items() if (found := regex.match(content))]
        if hits:
            assert len(hits) == 1, f"{content} could be any of {hits}"
            (workflow, state), identifier = hits[0]
            transactions[workflow, identifier].append((number, at, state))
        elif foreign := [found for regex in FOREIGN_KINDS if (found := regex.match(content))]:
            others.append((number, "foreign", foreign[0].groupdict().get("id")))
        else:
            assert any(regex.match(content) for regex in BACKGROUND_KINDS), content
            others.append((number, "background", None))
    return transactions, others


def judge(workflow, events):
    """The set of anomaly types of one transaction, by the rules of its workflow, in the plainest way."""
    states = [state for _, _, state in events]
    count = Counter(states)
    types = set()
    for edge, place, missing in ((workflow.begin, 0, "missing_begin"), (workflow.end, -1, "missing_end")):
        if not any(count[state] for state in edge):
            types.add(missing)
        elif states[place] not in edge:
            types.add("wrong_order")
    for state, (low, high) in workflow.counts.items():
        if count[state] == 0 and low > 0 and state not in workflow.begin | workflow.end:
            types.add("missing_state")
        if 0 < count[state] < low:
            types.add("too_few")
        if count[state] > high:
            types.add("too_many")
    for a, b in workflow.requires:
        if count[a] and not count[b]:
            types.add("missing_state")
    for a, b in workflow.equal:
        if count[a] != count[b]:
            types.add("too_few")
    for a, b in workflow.orders:
        if count[a] and count[b] and states.index(a) > states.index(b):
            types.add("wrong_order")
    duration = (events[-1][1] - events[0][1]) / timedelta(milliseconds=1)
    if duration < workflow.min_ms and not types & {"missing_begin", "missing_end"}:
        types.add("too_short")
    if duration > workflow.max_ms:
        types.add("too_long")
    return types


@pytest.fixture(scope="module", params=SEEDS)
def sample(request):
    return generate(request.param, 700, 12, watched_transactions=500, training_anomalies=0.1)


@pytest.fixture(scope="module")
def logs(sample):
    return [(data, truth, *read(data)) for data, truth in files(sample)]


def files(sample):
    return [(sample.training, sample.truth.training), (sample.watched, sample.truth.watched)]


def test_injected_transactions_break_exactly_their_rule_and_normal_ones_none(logs):
    for _, truth, transactions, _ in logs:
        expected = {(a.workflow, a.transaction): {a.type} for a in truth.anomalies if a.type != "unmatched_log"}
        workflows = {w.name: w for w in WORKFLOWS}
        found = {key: judge(workflows[key[0]], events) for key, events in transactions.items()}
        assert {key: types for key, types in found.items() if types} == expected
        assert len(transactions) == truth.transactions


def test_lines_of_unknown_kinds_are_exactly_those_in_the_truth(logs):
    for _, truth, _, others in logs:
        foreign = {(number, identifier) for number, kind, identifier in others if kind == "foreign"}
        assert foreign == {(a.line, a.transaction) for a in truth.anomalies if a.type == "unmatched_log"}


def test_watched_log_holds_every_type_as_often_as_asked_with_and_without_transaction(sample):
    assert sample.truth.watched.counts() == dict.fromkeys(TYPES, 12)
    named = [a.transaction is not None for a in sample.truth.watched.anomalies if a.type == "unmatched_log"]
    assert sum(named) == 6


def test_each_type_is_spread_over_all_workflows(sample):
    for kind in set(TYPES) - {"unmatched_log"}:
        assert {a.workflow for a in sample.truth.watched.anomalies if a.type == kind} == {w.name for w in WORKFLOWS}


def test_training_log_has_about_the_share_of_anomalies_and_no_unknown_line(sample):
    counts = sample.truth.training.counts()
    assert 40 <= sum(counts.values()) <= 105
    assert counts["unmatched_log"] == 0
    assert generate(1, 100, 0, training_anomalies=0).truth.training.anomalies == ()


def test_truth_counts_the_lines(logs):
    for data, truth, _, _ in logs:
        lines = data.decode().splitlines()
        assert data.endswith(b"\n")
        assert truth.lines == len(lines)
        assert truth.continued == sum(time_of(line) is None for line in lines) > 0


def test_line_of_the_truth_belongs_to_its_transaction(logs):
    for data, truth, transactions, _ in logs:
        lines = data.decode().splitlines()
        for a in truth.anomalies:
            assert time_of(lines[a.line - 1]) is not None
            if a.transaction is not None:
                assert a.transaction in lines[a.line - 1]
            if a.type != "unmatched_log":
                assert a.line in {number for number, _, _ in transactions[a.workflow, a.transaction]}


def test_line_of_the_truth_is_where_the_anomaly_shows(logs):
    for _, truth, transactions, _ in logs:
        for a in truth.anomalies:
            if a.type == "unmatched_log":
                continue
            events = transactions[a.workflow, a.transaction]
            at = [number for number, _, _ in events].index(a.line)
            state = events[at][2]
            so_far = [name for _, _, name in events[: at + 1]].count(state)
            if a.type == "missing_begin":
                assert at == 0
            elif a.type in {"missing_end", "too_short", "too_long"}:
                assert at == len(events) - 1
            elif a.type in {"too_many", "too_few"}:
                workflow = next(w for w in WORKFLOWS if w.name == a.workflow)
                low, high = workflow.counts[state]
                assert so_far == high + 1 if a.type == "too_many" else so_far < low
            elif a.type == "wrong_order":
                assert a.note.startswith(f"{state} before ")


def test_unknown_line_with_a_transaction_stands_within_it(logs):
    for _, truth, transactions, _ in logs:
        for a in truth.anomalies:
            if a.type == "unmatched_log" and a.transaction is not None:
                events = transactions[a.workflow, a.transaction]
                assert events[0][0] < a.line < events[-1][0]


def test_lines_are_in_time_order_and_the_watched_log_begins_after_the_training_log(sample):
    times = [t for data, _ in files(sample) for line in data.decode().splitlines() if (t := time_of(line))]
    assert times[0] == START
    assert all(a <= b for a, b in itertools.pairwise(times))


def test_each_log_ends_with_a_long_time_of_background_lines_only(logs):
    longest = timedelta(milliseconds=max(w.max_ms for w in WORKFLOWS))
    for data, _, transactions, others in logs:
        lines = data.decode().splitlines()
        last = max(at for events in transactions.values() for _, at, _ in events)
        times = [last, *(at for number, _, _ in others if (at := time_of(lines[number - 1])) > last)]
        assert times[-1] - last >= 10 * longest
        # No silence in which a judge could not tell that time passes.
        assert max(b - a for a, b in itertools.pairwise(times)) < longest


def test_anomalous_extents_are_unmistakable(logs):
    workflows = {w.name: w for w in WORKFLOWS}
    for _, truth, transactions, _ in logs:
        for a in truth.anomalies:
            if a.type == "unmatched_log":
                continue
            workflow, events = workflows[a.workflow], transactions[a.workflow, a.transaction]
            duration = (events[-1][1] - events[0][1]) / timedelta(milliseconds=1)
            if a.type == "too_long":
                least, most = Rates().too_long_factor
                assert least * workflow.max_ms <= duration <= most * workflow.max_ms
            elif a.type == "too_short":
                assert duration <= workflow.min_ms / 10
            elif a.type == "too_many":
                count = Counter(state for _, _, state in events)
                assert any(count[state] > 2 * high for state, (_, high) in workflow.counts.items())


def test_transactions_interleave(logs):
    for _, _, transactions, _ in logs:
        owner = sorted((number, key) for key, events in transactions.items() for number, _, _ in events)
        changes = sum(a[1] != b[1] for a, b in itertools.pairwise(owner))
        assert changes > len(owner) / 2


def test_same_seed_gives_the_same_bytes_and_another_seed_others():
    first, again, other = generate(5, 60, 1), generate(5, 60, 1), generate(6, 60, 1)
    assert first == again
    assert first.watched != other.watched


def test_identifiers_are_used_once_unless_asked_otherwise():
    # Sparse traffic: with many hours between few transactions every pause is long.
    def sparse(rates):
        return generate(1, 300, 0, watched_transactions=1, training_anomalies=0.0, rates=rates)

    once = sparse(Rates(per_hour=20))
    again = sparse(Rates(per_hour=20, reuse_identifiers=True))
    assert len(read(once.training)[0]) == 300
    reused = {key: events for key, events in read(again.training)[0].items() if is_reused(key, events)}
    assert len(reused) >= 5
    for (name, _), events in reused.items():
        workflow = next(w for w in WORKFLOWS if w.name == name)
        at = next(i for i, event in enumerate(events) if i and event[2] in workflow.begin)
        assert judge(workflow, events[:at]) == set()
        assert events[at][1] - events[at - 1][1] >= timedelta(milliseconds=30 * workflow.max_ms)


def is_reused(key, events):
    workflow = next(w for w in WORKFLOWS if w.name == key[0])
    return sum(state in workflow.begin for _, _, state in events) > 1


def test_fewer_transactions_arrive_at_night():
    hours = Counter(time_of(line).hour for line in generate_lines(1, 60_000) if time_of(line))
    assert sum(hours[h] for h in (1, 2, 3, 4)) * 2 < sum(hours[h] for h in (9, 10, 11, 12))


def test_naive_start_is_utc():
    aware = datetime(2027, 3, 1, tzinfo=UTC)
    assert generate(1, 20, 0, aware) == generate(1, 20, 0, aware.replace(tzinfo=None))
    assert generate(1, 20, 0, aware).training.startswith(b"2027-03-01 00:00:00,000 ")


@pytest.mark.parametrize("compress", [False, True])
def test_written_files_hold_the_sample(tmp_path, compress):
    sample = generate(4, 60, 1)
    training, watched, truth = sample.write(tmp_path / "new" / "folder", compress=compress)
    unpack = gzip.decompress if compress else bytes
    assert training.name == ("training.log.gz" if compress else "training.log")
    assert unpack(training.read_bytes()) == sample.training
    assert unpack(watched.read_bytes()) == sample.watched
    assert Truth.read(truth) == sample.truth
    assert json.loads(truth.read_text())["watched"]["counts"] == dict.fromkeys(TYPES, 1)


def test_compressed_files_are_the_same_bytes_each_time(tmp_path):
    first = [p.read_bytes() for p in generate(4, 60, 1).write(tmp_path / "a", compress=True)]
    assert first == [p.read_bytes() for p in generate(4, 60, 1).write(tmp_path / "b", compress=True)]


def test_sample_that_cannot_be_written_is_a_user_error(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UserError, match="choose another directory"):
        generate(4, 20, 0).write(tmp_path / "file")


@pytest.mark.parametrize("lines", [0, 1, 777, 9000])
def test_lines_for_benchmarks_are_exactly_as_many_as_asked(tmp_path, lines):
    found = list(generate_lines(1, lines, anomalies=0.1))
    assert len(found) == lines
    assert not any("\n" in line for line in found)
    for name, unpack in (("x.log", bytes), ("x.log.gz", gzip.decompress)):
        write_lines(tmp_path / name, 1, lines, anomalies=0.1)
        assert unpack((tmp_path / name).read_bytes()) == "".join(f"{line}\n" for line in found).encode()


def test_lines_for_benchmarks_are_in_time_order_and_known():
    lines = list(generate_lines(2, 15_000))
    times = [at for line in lines if (at := time_of(line))]
    assert times == sorted(times)
    transactions, others = read("\n".join(lines).encode())
    assert len(transactions) > 500
    assert {kind for _, kind, _ in others} == {"background"}


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"transactions": 0}, "at least 1"),
        ({"transactions": 40, "anomalies_per_type": 3}, "take 0 to 2"),
        ({"anomalies_per_type": -1}, "take 0 to"),
        ({"training_anomalies": 1.5}, "between 0 and 1"),
    ],
)
def test_option_out_of_range_is_a_user_error(options, says):
    with pytest.raises(UserError, match=says):
        generate(1, **options)


@pytest.mark.parametrize(
    "rates",
    [{"per_hour": 0}, {"background": 0}, {"quiet": -1}, {"too_long_factor": (0.5, 2)}, {"too_long_factor": (3, 2)}],
)
def test_rate_out_of_range_is_a_user_error(rates):
    with pytest.raises(UserError):
        Rates(**rates)
