"""What spans are worth: labels that a queue saves, and errors that it puts first."""
