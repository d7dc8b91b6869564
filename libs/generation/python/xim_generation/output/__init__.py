"""From tokens to events: text, stop texts, thoughts, calls of tools."""
