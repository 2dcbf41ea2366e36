"""One module a command of the command line: ``add_to`` declares its options, ``run`` does its work."""
