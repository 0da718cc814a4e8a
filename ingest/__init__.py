"""Files in, passages in the store.  Points at `assistant`, never at `eval` or `ui`."""
