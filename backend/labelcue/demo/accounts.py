"""Accounts in Label Studio, made through its sign-up page: users that its API makes cannot log in."""

from __future__ import annotations

import secrets

import httpx
from pydantic import BaseModel, ConfigDict, SecretStr, field_serializer

from labelcue.errors import LabelStudioError

TIMEOUT = 60.0
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"


class Account(BaseModel):
    """Somebody who can log in and call the API. `repr` hides the secrets; `model_dump` gives them, to be kept."""

    model_config = ConfigDict(frozen=True)

    email: str
    password: SecretStr
    token: SecretStr
    user: int = 0
    """Label Studio's id; 0 while it is not known."""

    @field_serializer("password", "token")
    def _in_clear(self, secret: SecretStr) -> str:
        return secret.get_secret_value()


def easy_password() -> str:
    """Random, and short enough to be typed: two groups of five."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(5)) for _ in range(2))


def sign_up(url: str, email: str, password: str) -> Account:
    """A new account with its legacy token; an account that is there already is logged in to.

    Raises LabelStudioError where Label Studio takes neither.
    """
    try:
        with httpx.Client(base_url=url, timeout=TIMEOUT) as browser:
            if not (_submit(browser, "/user/signup/", email, password) or _login(browser, email, password)):
                raise LabelStudioError(
                    f"Label Studio made no account for {email}.", "Look into its log for the reason, or use --fresh."
                )
            token = browser.get("/api/current-user/token").raise_for_status().json()["token"]
            user = browser.get("/api/current-user/whoami").raise_for_status().json()["id"]
    except httpx.HTTPError as error:
        raise LabelStudioError(f"Label Studio's sign-up page failed: {error}.", "Look into its log.") from error
    return Account(email=email, password=SecretStr(password), token=SecretStr(token), user=user)


def _login(browser: httpx.Client, email: str, password: str) -> bool:
    return _submit(browser, "/user/login/", email, password)


def _submit(browser: httpx.Client, page: str, email: str, password: str) -> bool:
    """Fill in a form; True if it was taken, which Label Studio shows by sending us on."""
    browser.get(page)
    csrf = browser.cookies.get("csrftoken", "")
    form = {"email": email, "password": password, "csrfmiddlewaretoken": csrf}
    return browser.post(page, data=form, headers={"Referer": str(browser.base_url)}).status_code == 302
