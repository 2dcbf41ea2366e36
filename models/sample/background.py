"""Lines that belong to no workflow, lines that normal traffic never holds, and how traffic varies over the day."""

from __future__ import annotations

BACKGROUND: tuple[tuple[float, str], ...] = (
    (0.50, 'INFO  [access] shop.web.AccessLog - {client_ip} "GET {path} HTTP/1.1" {status} {size} {took}ms'),
    (0.15, "DEBUG [health-{small}] ops.health.Checker - Health check of {service} passed in {took} ms"),
    (0.12, "INFO  [cache-stats] shop.cache.Statistics - Cache holds {size} entries, hit rate {share}, evicted {count}"),
    (0.10, "INFO  [gc-logger] jvm.GarbageCollector - Pause young {weight} MB freed in {took} ms"),
    (0.08, "INFO  [metrics] ops.pool.ConnectionPool - Connections active={few} idle={small} waiting={small}"),
    (0.03, "WARN  [scheduler-{small}] shop.stock.Forecast - Forecast for SKU-{sku} is {count} hours old"),
    (0.02, "ERROR [rates-{small}] shop.payment.ExchangeRates - Could not refresh exchange rates{trace}"),
)
"""Lines of no transaction: (share, text)."""

FOREIGN: tuple[str, ...] = (
    "FATAL [main] os.kernel.Bridge - Kernel panic, not syncing: unable to mount root on unknown-block({few},{small})",
    "ERROR [raid-monitor] hw.raid.Controller - Drive failed in enclosure, array degraded, rebuilding on hot spare",
    "ERROR [acceptor] net.tls.Listener - Certificate revoked by its issuer, refusing all handshakes until replaced",
    "FATAL [ntp] os.clock.Discipline - Clock stepped backwards by {count} seconds; leap smear disabled{trace}",
    "ERROR [thermal] hw.sensors.Thermal - Emergency throttling! package temperature critical, fans at full speed",
)
"""Lines of kinds that normal traffic never holds, without an identifier."""

FOREIGN_WITH_ID: tuple[str, ...] = (
    "FATAL [watchdog] core.locks.Watchdog - Deadlock! two owners wait for each other, victim chosen was {id}",
    "ERROR [auditor] core.audit.Ledger - Tampering suspected near {id} because ledger hash chain is broken",
    "FATAL [oom-handler] jvm.heap.Exhausted - Out of memory, dropping work on {id} without rollback{trace}",
    "ERROR [poison] core.queue.Quarantine - Moved {id} into quarantine as poison after unreadable payload",
)
"""Lines of kinds that normal traffic never holds, naming a transaction."""

DAY = tuple([0.25] * 6 + [0.5, 0.8, 1.1, 1.3, 1.4, 1.4, 1.3, 1.2, 1.2, 1.3, 1.4, 1.5, 1.5, 1.4, 1.2, 0.9, 0.6, 0.4])
"""Relative rate by hour of the day (UTC), 24 values: what people do."""

NIGHT = tuple([2.0] * 6 + [1.2] + [0.8] * 14 + [1.2, 1.6, 2.0])
"""Relative rate by hour of the day (UTC), 24 values: what is scheduled for quiet hours."""
