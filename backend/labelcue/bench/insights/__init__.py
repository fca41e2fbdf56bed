"""What admins are told, against what is true: replays over labelled sets."""
