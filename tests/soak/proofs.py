"""Every proof, in the order of backend/docs/promises.md."""

from __future__ import annotations

from soak.answering import acknowledged_while_training, busy_says_so
from soak.compacting import what_counts_stays
from soak.entering import only_who_may
from soak.filling import disks_fail
from soak.fuzzing import no_server_errors
from soak.growing import it_does_not_grow
from soak.jumping import clocks_jump
from soak.killing import acknowledged_outlives_kills
from soak.mutating import no_input_breaks_a_parser
from soak.ordering import order_does_not_matter
from soak.outage import outages_are_got_over
from soak.poisoning import bad_tasks_hurt_nobody
from soak.proving import Proof
from soak.racing import one_learner_a_project
from soak.recovering import what_was_missed_is_found
from soak.replaying import damaged_and_rebuilt, restarted_to_the_bit
from soak.stalling import stalls_are_told
from soak.stopping import it_stops_cleanly
from soak.syncing import synced_before_acknowledged
from soak.whispering import nothing_is_told

PROOFS = (
    Proof("kills", "an acknowledged event outlives kill -9", "kills", 8, 200, acknowledged_outlives_kills),
    Proof("syncs", "acknowledged means on disk", "answers", 20, 2000, synced_before_acknowledged),
    Proof("recovers", "what was not delivered is found", "runs", 8, 1000, what_was_missed_is_found),
    Proof("order", "order and repetition do not matter", "stories", 300, 10_000, order_does_not_matter),
    Proof("training", "nobody waits while it trains", "seconds", 0, 60, acknowledged_while_training),
    Proof("busy", "a locked ledger is 503, never a false acknowledgement", "webhooks", 8, 400, busy_says_so),
    Proof("stalls", "a stalled disk is 503, never a false acknowledgement", "stalls", 1, 40, stalls_are_told),
    Proof("damage", "a checkpoint is old or new, never torn", "damages", 6, 500, damaged_and_rebuilt),
    Proof("restarts", "a restart gives the same queue", "kills", 2, 60, restarted_to_the_bit),
    Proof("fuzz", "no input gives a server error", "requests", 600, 50_000, no_server_errors),
    Proof("parsers", "no bytes break a parser", "seconds", 4, 600, no_input_breaks_a_parser),
    Proof("poison", "one bad task never hurts a batch", "batches", 60, 10_000, bad_tasks_hurt_nobody),
    Proof("secrets", "secrets stay secret", "rounds of bodies", 2, 200, nothing_is_told),
    Proof("doors", "only who may, may", "rounds of all routes", 1, 1, only_who_may),
    Proof("stops", "it stops cleanly under load", "stops", 3, 100, it_stops_cleanly),
    Proof("outage", "Label Studio down, slow, refusing, throttling", "hours", 1, 40, outages_are_got_over),
    Proof("leases", "one learner a project", "kills", 2, 60, one_learner_a_project),
    Proof("memory", "it does not grow", "events", 9_000, 1_000_000, it_does_not_grow),
    Proof("compacts", "the ledger forgets nothing that counts", "labels", 80, 10_000, what_counts_stays),
    Proof("clocks", "a clock that jumps stops nothing", "jumps", 2, 40, clocks_jump),
    Proof("disk", "a full or read-only disk is said and got over", "times", 1, 20, disks_fail),
)
