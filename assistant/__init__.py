"""The core: a question in, an answer with verified citations out.  Points only at `data`."""
