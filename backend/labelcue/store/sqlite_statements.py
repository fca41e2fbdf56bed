"""All SQL of the SQLite ledger. Raise VERSION with every change of the tables, and say how an older one is lifted."""

from __future__ import annotations

VERSION = 3
APPLICATION = 0x4C435545  # "LCUE"

# AUTOINCREMENT: a position is never given twice, even after somebody has deleted rows by hand.
# The index on project alone ends in the row id, which is the position: `position` and `read` need nothing more.
TABLES = (
    """CREATE TABLE event (
        position INTEGER PRIMARY KEY AUTOINCREMENT,
        project INTEGER NOT NULL,
        kind TEXT NOT NULL,
        key TEXT NOT NULL,
        body TEXT NOT NULL,
        at REAL NOT NULL,
        UNIQUE (project, key)
    ) {strict}""",
    "CREATE INDEX event_of_project ON event (project)",
    """CREATE TABLE round (
        project INTEGER NOT NULL,
        number INTEGER NOT NULL,
        position INTEGER NOT NULL,
        rows INTEGER NOT NULL,
        embedder TEXT NOT NULL,
        strategy TEXT NOT NULL,
        params TEXT NOT NULL,
        seed INTEGER NOT NULL,
        full INTEGER NOT NULL,
        at REAL NOT NULL,
        surrogate TEXT NOT NULL DEFAULT 'logistic@1',
        levers TEXT NOT NULL DEFAULT '{{}}',
        PRIMARY KEY (project, number)
    ) {strict}""",
    """CREATE TABLE learner (
        project INTEGER PRIMARY KEY,
        holder TEXT NOT NULL,
        expires REAL NOT NULL
    ) {strict}""",
    f"PRAGMA application_id = {APPLICATION}",
    f"PRAGMA user_version = {VERSION}",
)

# What lifts a ledger of each earlier version to the next one.
LIFTS = {
    1: (
        "ALTER TABLE round ADD COLUMN surrogate TEXT NOT NULL DEFAULT 'logistic@1'",
        "PRAGMA user_version = 2",
    ),
    2: (
        "ALTER TABLE round ADD COLUMN levers TEXT NOT NULL DEFAULT '{}'",
        "PRAGMA user_version = 3",
    ),
}

# Not INSERT OR IGNORE, which would also swallow a row that breaks another rule: a false acknowledgement.
INSERT = """INSERT INTO event (project, kind, key, body, at) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (project, key) DO NOTHING"""
LAST = "SELECT coalesce(max(position), 0) FROM event"
READ = """SELECT position, project, kind, key, body, at FROM event INDEXED BY event_of_project
    WHERE project = ? AND position > ? AND position <= ? {kinds} ORDER BY position"""
EVENT = "SELECT position, project, kind, key, body, at FROM event WHERE position = ?"
POSITION = "SELECT coalesce(max(position), 0) FROM event INDEXED BY event_of_project WHERE project = ?"
FORGET = "DELETE FROM event WHERE project = ? AND position = ?"
FORGET_ROUND = "DELETE FROM round WHERE project = ? AND number = ?"
# SELECT DISTINCT would walk the whole index; this jumps from project to project.
PROJECTS = """WITH RECURSIVE each (project) AS (
        SELECT min(project) FROM event
        UNION ALL
        SELECT (SELECT min(project) FROM event WHERE project > each.project) FROM each WHERE each.project IS NOT NULL
    ) SELECT project FROM each WHERE project IS NOT NULL"""

HOLDER = "SELECT holder FROM learner WHERE project = ?"
ACQUIRE = """INSERT INTO learner (project, holder, expires) VALUES (:project, :holder, :now + :ttl)
    ON CONFLICT (project) DO UPDATE SET holder = excluded.holder, expires = excluded.expires
    WHERE learner.holder = excluded.holder OR learner.expires <= :now OR learner.expires > :now + :longest"""
RELINQUISH = "DELETE FROM learner WHERE project = ? AND holder = ?"

LAST_ROUND = "SELECT coalesce(max(number), 0) FROM round WHERE project = ?"
ADD_ROUND = """INSERT INTO round (project, number, position, rows, embedder, strategy, params, seed, full, at,
        surrogate, levers)
    VALUES (:project, :number, :position, :rows, :embedder, :strategy, :params, :seed, :full, :at,
        :surrogate, :levers)"""
# The columns in the order of the fields of Round.
ROUNDS = """SELECT project, number, position, rows, embedder, strategy, params, seed, full, at, surrogate,
    levers FROM round
    WHERE project = ? AND number > ? ORDER BY number"""


def read(kinds: int = 0) -> str:
    """READ, for events of so many kinds only; 0 means of all."""
    return READ.format(kinds=f"AND kind IN ({', '.join('?' * kinds)})" if kinds else "")
