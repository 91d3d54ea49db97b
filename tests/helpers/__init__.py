"""What several tests share: messages, a gateway in process, the installed program, a terminal, correspondents."""
