"""The web: the chat API, its sessions, and the plain page that works without JavaScript."""
