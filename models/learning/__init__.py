"""Learning in two passes over any number of shards: summaries that merge, and functions from summaries to a model.

See docs/learning.md. A shard adds the events that it reads to a :class:`~models.learning.messages.MessageSummary`; the
merged one makes the :class:`~models.learning.plan.LearnPlan`; with it each shard reads the logs once more into a
:class:`~models.learning.visits.VisitSummary`; plan and merged visits make the model.
"""
