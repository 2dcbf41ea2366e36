"""The workflows of the sample's web shop."""

from __future__ import annotations

from models.sample.flow import Either, Loop, Maybe, Parallel, Seq, Step
from models.sample.workflows import State, Workflow

CHECKOUT = Workflow(
    name="checkout",
    share=0.22,
    by_night=False,
    identifier=r"ord-[0-9]{6}",
    carried=("customer",),
    states=(
        State(
            "order_created",
            "INFO  [http-nio-8080-exec-{worker}] shop.checkout.OrderService - "
            "Order {id} created for customer {customer} with {few} positions, total {amount} EUR",
        ),
        State(
            "item_reserved",
            "INFO  [stock-{small}] shop.stock.Reservations - "
            "Reserved {few} pieces of SKU-{sku} for order {id}, {count} left",
            0.6,
        ),
        State(
            "fraud_scored",
            "INFO  [risk-{small}] shop.risk.FraudScorer - Fraud score {share} for order {id} computed in {took} ms",
        ),
        State(
            "address_verified",
            "DEBUG [http-client-{small}] shop.checkout.AddressCheck - Address of order {id} verified, postcode {sku}",
        ),
        State(
            "card_authorised",
            "INFO  [pay-{small}] shop.payment.CardGateway - "
            "Card ending {count} authorised for order {id}, authorisation {token}",
        ),
        State(
            "card_captured",
            "INFO  [pay-{small}] shop.payment.CardGateway - Captured {amount} EUR of order {id} in {took} ms",
            0.5,
        ),
        State(
            "invoice_issued",
            "INFO  [pay-{small}] shop.payment.Invoicing - Invoice R-{serial} over {amount} EUR issued, order {id}",
        ),
        State(
            "parcel_handed_over",
            "INFO  [dispatch-{small}] shop.shipping.Dispatch - "
            "Parcel {serial} of order {id} handed over at depot {few}, weight {weight} kg",
            3.0,
        ),
        State(
            "order_completed",
            "INFO  [http-nio-8080-exec-{worker}] shop.checkout.OrderService - "
            "Order {id} completed for customer {customer}",
        ),
    ),
    begin=frozenset({"order_created"}),
    end=frozenset({"order_completed"}),
    flow=Seq(
        (
            Step("order_created"),
            Step("item_reserved", 3, 5),
            Parallel(Step("fraud_scored"), Step("address_verified")),
            Either(Seq((Step("card_authorised"), Step("card_captured"))), Step("invoice_issued"), 0.6),
            Step("parcel_handed_over"),
            Step("order_completed"),
        )
    ),
    median_ms=40_000,
    requires=frozenset({("card_authorised", "card_captured"), ("card_captured", "card_authorised")}),
    equal=frozenset({("card_authorised", "card_captured")}),
)

SESSION = Workflow(
    name="session",
    share=0.24,
    by_night=False,
    identifier=r"[0-9a-f]{24}",
    carried=("user", "peer_ip"),
    states=(
        State(
            "session_opened",
            "INFO  [http-nio-8080-exec-{worker}] shop.web.SessionFilter - "
            "Opened session sess={id} user={user} from {peer_ip}",
        ),
        State(
            "preferences_loaded",
            "DEBUG [http-nio-8080-exec-{worker}] shop.web.Preferences - "
            "Loaded {few} preferences, sess={id}, took={took}ms",
            0.2,
        ),
        State(
            "cart_restored",
            "INFO  [http-nio-8080-exec-{worker}] shop.cart.CartStore - sess={id} cart restored, items={few}",
            0.2,
        ),
        State(
            "page_rendered",
            "INFO  [http-nio-8080-exec-{worker}] shop.web.PageController - "
            "sess={id} rendered /catalogue/item/{sku} in {took} ms ({size} bytes)",
        ),
        State(
            "search_run",
            "INFO  [search-{small}] shop.search.QueryRunner - "
            "Query of sess={id} found {count} products in {took} ms, shard {few}",
        ),
        State(
            "token_refreshed",
            "DEBUG [http-nio-8080-exec-{worker}] shop.web.TokenService - "
            "Refreshed token {token} sess={id}, valid for {count} s",
        ),
        State(
            "logged_out",
            "INFO  [http-nio-8080-exec-{worker}] shop.web.SessionFilter - User {user} logged out, sess={id}",
        ),
        State(
            "timed_out",
            "WARN  [reaper-{small}] shop.web.SessionReaper - "
            "Session sess={id} timed out after {count} s without request",
            2.0,
        ),
    ),
    begin=frozenset({"session_opened"}),
    end=frozenset({"logged_out", "timed_out"}),
    flow=Seq(
        (
            Step("session_opened"),
            Parallel(Step("preferences_loaded"), Step("cart_restored")),
            Parallel(Step("page_rendered", 3, 5), Maybe(Step("search_run", 1, 2))),
            Step("token_refreshed"),
            Either(Step("logged_out"), Step("timed_out"), 0.55),
        )
    ),
    median_ms=150_000,
)

TRANSCODE = Workflow(
    name="transcode",
    share=0.18,
    by_night=False,
    identifier=r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}",
    carried=(),
    states=(
        State(
            "upload_accepted",
            "INFO  [upload-{small}] media.upload.Receiver - "
            "Accepted upload {id} of {size} bytes from {peer_ip}:{port}, file /incoming/{user}/clip{count}.mov",
        ),
        State(
            "chunk_received",
            "DEBUG [upload-{small}] media.upload.Receiver - Upload {id}: received chunk at offset {size}",
            0.5,
        ),
        State(
            "chunk_stored",
            "DEBUG [io-{small}] media.store.BlockStore - Stored {size} bytes for {id} as object 0x{token}",
            0.3,
        ),
        State(
            "video_probed",
            "INFO  [probe-{small}] media.probe.Prober - Probed {id}: {took} s at {weight} frames/s, {count} kbit/s",
        ),
        State(
            "thumbnail_made",
            "INFO  [image-{small}] media.image.Thumbnails - Thumbnail for video {id} written, {size} bytes",
        ),
        State(
            "encoder_restarted",
            "WARN  [encoder-{small}] media.encode.Worker - "
            "Encoder of video {id} stopped with code {few}, starting it again{trace}",
            2.0,
        ),
        State(
            "rendition_encoded",
            "INFO  [encoder-{small}] media.encode.Worker - Encoded video {id} at {count} kbit/s in {took} s",
            2.0,
        ),
        State(
            "video_published",
            "INFO  [publish-{small}] media.publish.Publisher - Published video {id} to {few} edge nodes",
        ),
    ),
    begin=frozenset({"upload_accepted"}),
    end=frozenset({"video_published"}),
    flow=Seq(
        (
            Step("upload_accepted"),
            Loop(Seq((Step("chunk_received"), Step("chunk_stored"))), 3, 5),
            Step("video_probed"),
            Parallel(
                Step("thumbnail_made"), Seq((Maybe(Step("encoder_restarted"), 0.4), Step("rendition_encoded", 2, 4)))
            ),
            Step("video_published"),
        )
    ),
    median_ms=90_000,
    equal=frozenset({("chunk_received", "chunk_stored")}),
)

BACKUP = Workflow(
    name="backup",
    share=0.16,
    by_night=True,
    identifier=r"[0-9]{5,7}",
    carried=(),
    states=(
        State(
            "job_started",
            "INFO  [backup-{small}] ops.backup.Scheduler - Starting backup job {id} of schema {schema}, "
            "last run {count} minutes ago",
        ),
        State(
            "snapshot_taken",
            "INFO  [backup-{small}] ops.backup.Snapshotter - Job {id}: snapshot lsn={serial} taken in {took} ms",
        ),
        State(
            "table_dumped",
            "INFO  [backup-{small}] ops.backup.Dumper - Job {id}: dumped table {table} rows={size} took={took}s",
            2.0,
        ),
        State(
            "checksum_verified",
            "INFO  [verify-{small}] ops.backup.Verifier - Job {id}: checksum {token} verified",
        ),
        State(
            "index_written",
            "DEBUG [backup-{small}] ops.backup.Indexer - Job {id}: wrote index of {count} entries",
        ),
        State(
            "archive_copied",
            "INFO  [copy-{small}] ops.backup.Replicator - "
            "Job {id}: copied archive to /mnt/replica{few}/arc-{token}.tar.zst at {weight} MB/s",
            2.0,
        ),
        State(
            "archives_pruned",
            "INFO  [backup-{small}] ops.backup.Pruner - Job {id}: pruned {few} old archives, freed {size} bytes",
        ),
        State(
            "job_finished",
            "INFO  [backup-{small}] ops.backup.Scheduler - Backup job {id} finished with status 0",
        ),
    ),
    begin=frozenset({"job_started"}),
    end=frozenset({"job_finished"}),
    flow=Seq(
        (
            Step("job_started"),
            Step("snapshot_taken"),
            Step("table_dumped", 3, 5),
            Parallel(Step("checksum_verified"), Step("index_written")),
            Step("archive_copied", 3, 3),
            Maybe(Step("archives_pruned")),
            Step("job_finished"),
        )
    ),
    median_ms=240_000,
)

DELIVERY = Workflow(
    name="delivery",
    share=0.20,
    by_night=False,
    identifier=r"[A-F][0-9A-F]{11}",
    carried=("user",),
    states=(
        State(
            "message_queued",
            "INFO  [smtp-in-{small}] mail.queue.Manager - {id}: queued, from=<{user}@shop.example>, size={size}",
        ),
        State("spam_checked", "INFO  [filter-{small}] mail.filter.SpamCheck - {id}: spam score {share} in {took} ms"),
        State(
            "signature_added",
            "DEBUG [sign-{small}] mail.filter.Signer - {id}: signature added with selector s{count}",
        ),
        State(
            "encrypted_session",
            "INFO  [smtp-out-{small}] mail.out.Client - {id}: encrypted session with {peer_ip}:25 after {took} ms",
        ),
        State(
            "plain_session",
            "WARN  [smtp-out-{small}] mail.out.Client - "
            "{id}: relay {peer_ip} offers no encryption, sending in plain text",
        ),
        State(
            "greeting_deferred",
            "WARN  [smtp-out-{small}] mail.out.Retry - {id}: deferred by remote greylisting, next try in {took} ms",
            2.0,
        ),
        State(
            "recipient_accepted",
            "INFO  [smtp-out-{small}] mail.out.Client - {id}: recipient to=<{other_user}@mail{few}.example> accepted",
            0.5,
        ),
        State(
            "message_delivered",
            "INFO  [smtp-out-{small}] mail.out.Client - {id}: delivered, remote said 250 2.0.0 Ok {token}",
        ),
        State("message_removed", "INFO  [queue-{small}] mail.queue.Manager - {id}: removed from queue"),
    ),
    begin=frozenset({"message_queued"}),
    end=frozenset({"message_removed"}),
    flow=Seq(
        (
            Step("message_queued"),
            Parallel(Step("spam_checked"), Step("signature_added")),
            Either(Step("encrypted_session"), Step("plain_session"), 0.6),
            Maybe(Step("greeting_deferred"), 0.4),
            Step("recipient_accepted", 3, 5),
            Step("message_delivered"),
            Step("message_removed"),
        )
    ),
    median_ms=4_000,
)

WORKFLOWS: tuple[Workflow, ...] = (CHECKOUT, SESSION, TRANSCODE, BACKUP, DELIVERY)
