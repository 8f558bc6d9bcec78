"""Student code runs behind walls, with limits, and answers with plain data or not at all."""
