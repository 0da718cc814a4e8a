"""The one settings object: environment variables ``RELEASE_ASSISTANT_*`` over an optional TOML file over defaults."""

from __future__ import annotations

import os
import re
from pathlib import Path

from platformdirs import user_data_path
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from assistant.errors import SettingsError

PREFIX = "RELEASE_ASSISTANT_"
LOOPBACK = frozenset(["127.0.0.1", "::1", "localhost"])  # this machine's own names


class Settings(BaseSettings):
    """What a person may set.  `load` makes one; every field is an environment variable of the same name, in capitals."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore", frozen=True)

    home: Path = Field(default_factory=lambda: user_data_path("release-assistant"))
    store: Path | None = Field(default=None, description="folder of the index; default: `store` in the home")
    chroma: str | None = Field(
        default=None, pattern=r"^https?://[^/\s]+:\d+/?$", description="a Chroma server, as http://HOST:PORT"
    )
    max_document_chars: int = Field(default=2_000_000, ge=1)
    max_file_bytes: int = Field(default=50_000_000, ge=1)
    max_question_chars: int = Field(default=2_000, ge=1)
    max_passages: int = Field(default=8, ge=1, le=64, description="passages that the reader reads for a question")
    llm: str | None = Field(default=None, description="a language model: openai-like:MODEL@URL or ollama:MODEL@URL")
    llm_api_key: SecretStr | None = None
    llm_timeout: float = Field(default=20.0, gt=0, le=600, description="seconds that a model has for an answer, in all")
    host: str = "127.0.0.1"
    port: int = Field(default=7860, ge=0, le=65535)
    uploads: bool | None = Field(
        default=None, description="whether the page takes documents; default: on a loopback address only"
    )
    evaluation: bool | None = Field(
        default=None, description="whether the page for evaluators is there; default: as uploads"
    )
    trusted_proxies: str = Field(
        default="", description="addresses whose X-Forwarded-For is believed, parted by commas"
    )
    users: dict[str, str] = Field(
        default_factory=dict, description="name to bcrypt hash; with any, the page asks to log in"
    )

    @field_validator("users")
    @classmethod
    def hashes(cls, users: dict[str, str]) -> dict[str, str]:
        for name, value in users.items():
            if not re.fullmatch(r"\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}", value):
                raise ValueError(
                    f"the password of {name!r} is no bcrypt hash: make one with `release-assistant password`"
                )
        return users

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        path = os.environ.get(f"{PREFIX}CONFIG")
        sources = (init_settings, env_settings)
        return (*sources, TomlConfigSettingsSource(settings_cls, Path(path))) if path else sources

    @property
    def store_path(self) -> Path:
        return self.store if self.store is not None else self.home / "store"

    @property
    def takes_uploads(self) -> bool:
        """Whether the page takes documents: as set, else only where nobody else can reach it."""
        return self.uploads if self.uploads is not None else self.alone

    @property
    def lets_evaluate(self) -> bool:
        """Whether the page for evaluators is there: as set, else only where nobody else can reach it."""
        return self.evaluation if self.evaluation is not None else self.alone

    @property
    def alone(self) -> bool:
        """Whether nobody but this machine can reach the page."""
        return self.host in LOOPBACK and not self.trusted_proxies

    @property
    def feedback_path(self) -> Path:
        """What people say of answers in the chat waits there for review."""
        return self.home / "feedback.jsonl"


def load_settings(**overrides: object) -> Settings:
    """Settings from the environment and the TOML file that ``RELEASE_ASSISTANT_CONFIG`` names; `overrides` win.

    Raises SettingsError with one line that names the setting and what it should be.
    """
    path = os.environ.get(f"{PREFIX}CONFIG")
    if path and not Path(path).is_file():
        raise SettingsError(f"{PREFIX}CONFIG names {path}, which is no file: correct it or unset it")
    try:
        return Settings(**{k: v for k, v in overrides.items() if v is not None})  # type: ignore[arg-type]
    except ValidationError as error:
        first = error.errors()[0]
        name = PREFIX + ".".join(str(p) for p in first["loc"]).upper()
        given = "" if name.endswith("USERS") else f" is {first['input']!r}"  # no hash in a log
        raise SettingsError(f"{name}{given}: {first['msg']}; correct or unset it") from None
    except ValueError as error:  # a TOML file that does not parse
        raise SettingsError(f"{path}: {error}; correct the file") from None
