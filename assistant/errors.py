"""Everything that goes wrong on purpose, each with a message of one line: what is wrong, and how to mend it.

ReleaseAssistantError
├── DocumentError      a file that cannot become a document
├── StoreError         the index cannot be opened, read or written
│   └── StoreLocked    another process is writing it
├── ModelError         weights missing, or not the ones that were published
├── QuestionError      a question that cannot be taken (too long, unknown document)
├── CaseError          a case file that is not as its schema says
└── SettingsError      a setting that makes no sense
"""


class ReleaseAssistantError(Exception):
    """The root: the command line prints it as one line and exits with 1."""


class DocumentError(ReleaseAssistantError):
    """A file that cannot become a document."""


class StoreError(ReleaseAssistantError):
    """The index cannot be opened, read or written."""


class StoreLocked(StoreError):
    """Another process is writing the index."""


class ModelError(ReleaseAssistantError):
    """Weights missing, or not the ones that were published."""


class QuestionError(ReleaseAssistantError):
    """A question that cannot be taken."""


class CaseError(ReleaseAssistantError):
    """A case file that is not as its schema says."""


class SettingsError(ReleaseAssistantError):
    """A setting that makes no sense."""
