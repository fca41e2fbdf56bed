"""The service: HTTP for Label Studio's ML backend contract, its webhooks, and a REST API. Answers, and never trains.

app.py         the Flask app: errors, headers, one log line a request
context.py     what requests share: settings, ledger, snapshots
auth.py        who may call what
bodies.py      request bodies and parameters
ml_backend.py  /health /setup /versions /predict
predict.py     tasks → predictions
webhook.py     /webhook: body → ledger
queue.py       /api: projects, queue, tasks
metrics.py     /metrics
handout.py     /api: what the plugin asks when an annotator wants a task
live.py        what happened since the round, by the ledger
marked.py    what another model says of a task, by the ledger
suggestions.py tasks → what their annotators are told
reasons.py     why a task stands where it stands, in words
shapes.py      the shapes of answers
openapi.py     /openapi.json
serve.py       waitress, and a calm end
"""
