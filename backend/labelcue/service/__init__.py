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
shapes.py      the shapes of answers
openapi.py     /openapi.json
serve.py       waitress, and a calm end
"""
