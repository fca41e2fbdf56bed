"""What admins set for a project's queue: the value, what can be chosen, whether it can be, and who saved it when."""
