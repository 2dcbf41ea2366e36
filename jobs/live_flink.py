"""Flink's settings for the live job.

*Bundles.* A Python operator gives results back when its bundle is full, or after the bundle's time, and takes at most a
bundle into an Arrow batch. What ``pack`` takes are messages, so its bundles hold a whole batch of them; what later
operators take are such batches, so their bundles hold few and wait for hardly more: what comes together is through all
operators soon after the first of them let it go. Both follow the same settings, yet at different moments: an
operator of the table API keeps what was set when its table became a stream, one of the DataStream API what is set when
the job starts. So :func:`table_settings` go to the table environment before ``to_data_stream``, and
:func:`stream_settings` to the stream environment (``configure``) after the last ``to_data_stream``, which would copy
the former into it.
"""

from __future__ import annotations

from jobs.live_config import LiveConfig

STREAM_BUNDLE = 32
"""Elements of a bundle of DataStream operators: each is a batch of thousands of lines."""

STREAM_BUNDLE_MS = 10
"""How long they wait for more. Each operator looks as often whether that is over."""

_SIZE, _TIME = "python.fn-execution.bundle.size", "python.fn-execution.bundle.time"
_ARROW = "python.fn-execution.arrow.batch.size"
_BACKENDS = {"heap": "hashmap", "rocksdb": "rocksdb"}


def flink_settings(config: LiveConfig) -> dict[str, str]:
    """Settings with which the environment of the job is made.

    - A failed checkpoint never ends the job: a restart would mend nothing, begin from the same earlier checkpoint, and
      read all since again, while the next checkpoint that succeeds makes good for those that failed.
    - After a failure the job is tried again: without end where something it needs is away, as each attempt then lasts
      about a minute; but one that fails at the same place again and again, because a worker dies of it or hardly any
      line can be read, fails for good within minutes. That is its own setting and not the cluster's: jobs on files,
      which make no checkpoints, would be tried again too.
    - Checkpoints are aligned: what is on its way are whole batches of lines, which would swell them.
    - They stay when the job is cancelled, so that it can go on from there.
    - Every operator of SQL gets a stable uid, without which its state could not be found again.
    """
    points = config.checkpoints
    settings = {
        "parallelism.default": str(config.parallelism),
        "execution.checkpointing.mode": "EXACTLY_ONCE",
        "execution.checkpointing.interval": f"{points.interval_ms} ms",
        # One that takes long leaves the job some time to work.
        "execution.checkpointing.min-pause": f"{points.interval_ms // 2} ms",
        "execution.checkpointing.timeout": f"{points.timeout_ms} ms",
        "execution.checkpointing.max-concurrent-checkpoints": "1",
        "execution.checkpointing.unaligned.enabled": "false",
        "execution.checkpointing.tolerable-failed-checkpoints": "2147483647",
        "execution.checkpointing.externalized-checkpoint-retention": "RETAIN_ON_CANCELLATION",
        "restart-strategy.type": "failure-rate",
        "restart-strategy.failure-rate.delay": "3 s",
        "restart-strategy.failure-rate.max-failures-per-interval": "10",
        "restart-strategy.failure-rate.failure-rate-interval": "8 min",
        "state.backend.type": _BACKENDS[config.state],
        "table.exec.uid.generation": "ALWAYS",
        **stream_settings(config),
    }
    if points.directory is not None:
        settings["execution.checkpointing.storage"] = "filesystem"
        settings["execution.checkpointing.dir"] = points.directory
    if config.state == "rocksdb":
        settings["execution.checkpointing.incremental"] = "true"
    if config.latency_interval_ms:
        settings["metrics.latency.interval"] = f"{config.latency_interval_ms} ms"
    return settings


def stream_settings(config: LiveConfig) -> dict[str, str]:
    """What the stream environment is told after the last table has become a stream."""
    return {_SIZE: str(STREAM_BUNDLE), _TIME: str(min(STREAM_BUNDLE_MS, config.batch_ms))}


def table_settings(config: LiveConfig) -> dict[str, str]:
    """What the table environment is told before tables become streams."""
    return bundle_settings(config.batch_size, config.batch_ms)


def bundle_settings(elements: int, wait_ms: int) -> dict[str, str]:
    """Settings for bundles of so many elements, which wait no longer than this for more."""
    return {_SIZE: str(elements), _ARROW: str(elements), _TIME: str(wait_ms)}
