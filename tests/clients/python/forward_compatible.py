"""A plugin of ariadne-codegen: a newer service may answer with enum values and types that a client does not know yet."""

import ast

from ariadne_codegen.plugins.base import Plugin
from graphql import ExecutableDefinitionNode, GraphQLEnumType

# A member that stands for itself.
MISSING = '''
@classmethod
def _missing_(cls, value: object) -> "{name}":
    member = str.__new__(cls, value)
    member._name_ = member._value_ = str(value)
    return member
'''


class ForwardCompatible(Plugin):
    def generate_enum(self, class_def: ast.ClassDef, enum_type: GraphQLEnumType) -> ast.ClassDef:
        class_def.body += ast.parse(MISSING.format(name=class_def.name)).body
        return class_def

    def generate_result_types_module(
        self, module: ast.Module, operation_definition: ExecutableDefinitionNode
    ) -> ast.Module:
        # Where `__typename` chooses between classes it stays as it is: there is none for an unknown type.
        if "discriminator" not in ast.unparse(module):
            for node in ast.walk(module):
                if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == "typename__":
                    node.annotation = ast.Name("str")
        return module
