"""A YAML loader that refuses keys given twice."""

from __future__ import annotations

from collections.abc import Hashable

import yaml

# libyaml reads the rules in a tenth of the time; not every platform has it.
_Base: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class StrictLoader(_Base):  # type: ignore[valid-type, misc]  # chosen at run time
    """Refuses equal keys in one mapping, of which YAML would keep the last."""

    def construct_mapping(
        self, node: yaml.MappingNode, deep: bool = False
    ) -> dict[Hashable, object]:
        """Build a mapping, or raise a `ConstructorError` that names the doubled key."""
        seen: set[object] = set()
        for key_node, _ in node.value:
            if key_node.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key_node.value!r} stands twice", key_node.start_mark
                )
            seen.add(key_node.value)
        mapping: dict[Hashable, object] = super().construct_mapping(node, deep=deep)
        return mapping
