"""Everything that knows Label Studio's formats; nobody else does.

config.py    label config XML → TaskSpec                                   pure
markup.py    the XML, read safely                                          pure
controls/    what each sort of control takes, reads and says, by its tag   pure
drawing.py   answers → regions, by the SDK                                 pure
events.py    webhook body → Events                                         pure
items.py     a task or annotation, from webhook or API → Event             pure
regions.py   annotation → Label; Scores → prediction                       pure
values.py    foreign JSON, ids and times made safe                         pure
answers.py   the API's answers → JSON or one of our errors                 pure
client.py    the only file that calls Label Studio
"""
