"""What is one submission worth? Its cells run in the sandbox, the tests in a process of their own."""
