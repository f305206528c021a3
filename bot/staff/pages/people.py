"""Who may sign in, for admins: inviting, roles, ending access."""
