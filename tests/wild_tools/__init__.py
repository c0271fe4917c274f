"""An app of tools that do what a tool should not, and may: whatever Python can.

A process that imports its ``mcp_tools`` offers them: tests do not.
"""

# What they raise: an exit, through argparse or by itself, what ends loops and generators, what cannot be shown.
RAISED = (
    "argparse",
    "deep",
    "system_exit",
    "keyboard_interrupt",
    "generator_exit",
    "cancelled",
    "stop_iteration",
    "stop_async_iteration",
    "group",
    "bare",
    "unspeakable",
    "untraceable",
    "nameless",
    "recursion",
    "memory",
)
# Where they raise it, by the names of the tools.
WHERE = (
    "in_function",
    "in_async_function",
    "after_a_while",
    "in_generator",
    "in_async_generator",
    "in_generator_of_async_function",
    "in_serializer",
    "in_serializer_of_async_function",
    "in_text_of_an_item",
    "in_property",
    "in_validator",
    "in_validator_of_async_function",
    "in_task",
    "in_group",
    "in_plain_code",
    "in_cleanup",
    "not_awaited",
)
# What they leave behind to raise it, when their call is over.
LEFT_BEHIND = ("leave_a_task", "leave_a_callback", "leave_a_thread")
# What waits for ``open_gate`` where nobody expects it.
SLOW = (
    "yields_slowly",
    "returns_what_yields_slowly",
    "serializes_slowly",
    "serializes_slowly_in_thread",
    "lists_what_serializes_slowly",
    "holds_what_serializes_slowly",
    "fails_slowly",
    "checks_slowly",
    "asks_slowly",
)
