"""Series that go together: pairs are learnt from closed slots, and judged slot by slot. See docs/correlation.md."""
