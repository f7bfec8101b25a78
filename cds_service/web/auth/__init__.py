"""Who may call: the list of clients, their keys, the check of a token, and the gate that asks for one."""
