"""What leaves LabelCue as a file: labels, disagreements and predictions, and named positions of the ledger.

Rows are made from the ledger and the published round alone; a named snapshot gives the same bytes whenever it is asked.
"""
