"""What a template declares in full: loops, conditions, children, nested templates, dependencies, outputs."""

from __future__ import annotations

from typing import Any

import pytest

from sfcert.arm import (
    UNKNOWN,
    Expanded,
    ExpandOptions,
    Scope,
    Symbolic,
    SymbolicRuntime,
    expand,
    is_symbolic,
    parse_text,
)
from sfcert.arm.faults import TemplateInvalidError
from sfcert.errors import InputError

SCOPE = Scope(subscription_id="s", resource_group="g", deployment_name="main")
GROUP = "/subscriptions/s/resourceGroups/g"
REVIEW = ExpandOptions(missing="symbolic")


def resource(type_: str, name: str, **more: Any) -> dict[str, Any]:
    return {"type": type_, "name": name, "apiVersion": "2024-01-01", **more}


def expanded(*resources: Any, scope: Scope = SCOPE, options: ExpandOptions | None = None, **sections: Any) -> Expanded:
    given = sections.pop("given", {})
    runtime = sections.pop("runtime", None)
    return expand({"resources": list(resources), **sections}, given, scope, runtime, options=options)


def names(of: Expanded) -> list[str]:
    return [one.name for one in of.resources]


class Live(SymbolicRuntime):
    """Answers from a table, and keeps what it was asked."""

    def __init__(self, **bodies: Any) -> None:
        self.bodies = bodies
        self.asked: list[tuple[str, str | None, bool]] = []

    def reference(self, resource_id: str, api_version: str | None, full: bool, scope: Scope) -> Any:
        self.asked.append((resource_id, api_version, full))
        return self.bodies.get(resource_id.rsplit("/", 1)[-1], UNKNOWN)

    def list_function(self, name: str, resource_id: str, api_version: str | None, body: Any, scope: Scope) -> Any:
        return {"from": f"{name} {resource_id.rsplit('/', 1)[-1]} {api_version}"}

    def resource_group(self, scope: Scope) -> Any:
        return {"name": scope.resource_group, "id": scope.id, "location": "westeurope"}


def test_a_body_is_all_but_the_keys_that_speak_to_the_engine() -> None:
    one = expanded(
        resource("A.B/c", "x", location="l", tags={"t": "[concat('a', 'b')]"}, odd=1, dependsOn=[], comments="c")
    ).resources[0]
    assert one.evaluate() == {"location": "l", "tags": {"t": "ab"}, "odd": 1}
    assert (one.type, one.name, one.api_version, one.id) == ("A.B/c", "x", "2024-01-01", f"{GROUP}/providers/A.B/c/x")


def test_names_of_parameters_variables_and_functions_are_found_in_any_case() -> None:
    one = expanded(
        resource("A.B/c", "[CONCAT(Parameters('PREFIX'), Variables('SUFFIX'))]"),
        parameters={"prefix": {"type": "STRING", "defaultValue": "a"}},
        variables={"Suffix": "b"},
    )
    assert names(one) == ["ab"]


def test_a_loop_makes_a_resource_for_each_turn_and_keeps_its_mode() -> None:
    found = expanded(
        resource(
            "A.B/c",
            "[concat('x', copyIndex(1))]",
            copy={"name": "l", "count": "[length(variables('all'))]", "mode": "serial", "batchSize": 2},
        ),
        resource("A.B/d", "after", dependsOn=["l"]),
        variables={"all": ["p", "q"]},
    )
    assert names(found) == ["x1", "x2", "after"]
    assert [(r.loop.index, r.loop.mode, r.loop.batch_size) for r in found.resources if r.loop] == [
        (0, "Serial", 2),
        (1, "Serial", 2),
    ]
    assert found.resources[2].depends_on == (f"{GROUP}/providers/A.B/c/x1", f"{GROUP}/providers/A.B/c/x2")


def test_a_loop_of_no_turns_makes_nothing() -> None:
    assert names(expanded(resource("A.B/c", "x", copy={"name": "l", "count": 0}))) == []


def test_loops_over_properties_and_variables_are_unrolled() -> None:
    found = expanded(
        resource(
            "A.B/c",
            "x",
            properties={
                "copy": [
                    {"name": "disks", "count": 2, "input": {"lun": "[copyIndex('disks')]"}},
                    {
                        "name": "names",
                        "count": "[length(variables('ids'))]",
                        "input": "[variables('ids')[copyIndex('names')]]",
                    },
                ],
                "deep": {"copy": [{"name": "n", "count": 1, "input": "[copyIndex('n', 5)]"}]},
            },
        ),
        variables={"copy": [{"name": "ids", "count": 2, "input": "[concat('id', copyIndex('ids'))]"}]},
    )
    assert found.resources[0].evaluate()["properties"] == {
        "disks": [{"lun": 0}, {"lun": 1}],
        "names": ["id0", "id1"],
        "deep": {"n": [5]},
    }


def test_a_property_that_is_called_copy_stays() -> None:
    assert expanded(resource("A.B/c", "x", properties={"copy": ["a"]})).resources[0].evaluate()["properties"] == {
        "copy": ["a"]
    }


def test_a_false_condition_drops_a_resource_with_its_children_and_nobody_waits_for_it() -> None:
    found = expanded(
        resource("A.B/c", "x", condition="[equals('a', 'b')]", resources=[resource("d", "y")]),
        resource("A.B/e", "z", dependsOn=["[resourceId('A.B/c', 'x')]"]),
    )
    assert names(found) == ["z"]
    assert [one.name for one in found.dropped] == ["x", "x/y"]
    assert found.resources[0].depends_on == ()


def test_a_condition_that_is_not_known_is_kept_and_marked() -> None:
    found = expanded(
        resource("A.B/c", "x", condition="[parameters('on')]"), parameters={"on": {"type": "bool"}}, options=REVIEW
    )
    assert found.resources[0].condition == "[parameters('on')]"
    assert is_symbolic(found.resources[0].condition)


def test_children_carry_the_type_and_name_of_their_parents() -> None:
    found = expanded(resource("A.B/c", "x", resources=[resource("d", "y", resources=[resource("e", "z")])]))
    assert [(r.type, r.name) for r in found.resources] == [("A.B/c", "x"), ("A.B/c/d", "x/y"), ("A.B/c/d/e", "x/y/z")]
    assert found.resources[2].id == f"{GROUP}/providers/A.B/c/x/d/y/e/z"


def test_extension_resources_are_found_in_both_ways_of_writing() -> None:
    found = expanded(
        resource("Microsoft.KeyVault/vaults", "kv"),
        resource("Microsoft.KeyVault/vaults/providers/roleAssignments", "kv/Microsoft.Authorization/1"),
        resource("Microsoft.Authorization/roleAssignments", "2", scope="Microsoft.KeyVault/vaults/kv"),
        resource(
            "Microsoft.Authorization/roleAssignments", "3", scope="[resourceId('Microsoft.KeyVault/vaults', 'kv')]"
        ),
    )
    vault = f"{GROUP}/providers/Microsoft.KeyVault/vaults/kv"
    assert [one.id for one in found.resources[1:]] == [
        f"{vault}/providers/Microsoft.Authorization/roleAssignments/{n}" for n in "123"
    ]
    assert {one.type for one in found.resources[1:]} == {"Microsoft.Authorization/roleAssignments"}


@pytest.mark.parametrize(
    "wait",
    [
        "[resourceId('A.B/c', 'x')]",
        "a.b/C/x",
        "[concat('A.B/c/', 'x')]",
        "x",
        f"{GROUP}/providers/A.B/c/X",
    ],
)
def test_a_dependency_is_resolved_from_every_form(wait: str) -> None:
    found = expanded(resource("A.B/c", "x"), resource("A.B/d", "y", dependsOn=[wait, wait]))
    assert found.resources[1].depends_on == (f"{GROUP}/providers/A.B/c/x",)


@pytest.mark.parametrize(
    "wait",
    [
        "[subscriptionResourceId('Microsoft.Resources/resourceGroups', 'rg')]",
        "[resourceId('Microsoft.Resources/resourceGroups/', 'rg')]",
        "[format('{0}/resourceGroups/RG', subscription().id)]",
        "Microsoft.Resources/resourceGroups/rg",
        "rg",
    ],
    ids=["as Bicep writes it", "as the vendor's samples do", "as Azure shows it", "type and name", "name"],
)
def test_a_resource_group_is_waited_for_under_both_of_its_ids(wait: str) -> None:
    group = resource("Microsoft.Resources/resourceGroups", "rg", location="westeurope")
    nested = resource("Microsoft.Resources/deployments", "d", dependsOn=[wait])
    found = expanded(group, nested, scope=Scope(level="subscription", subscription_id="s"))
    assert found.resources[1].depends_on == ("/subscriptions/s/resourceGroups/rg",)


def test_a_dependency_outside_the_template_is_refused_by_a_deployment_and_kept_by_a_review() -> None:
    declared = resource("A.B/d", "y", dependsOn=["[resourceId('A.B/c', 'elsewhere')]"])
    with pytest.raises(TemplateInvalidError) as caught:
        expanded(declared)
    assert caught.value.code == "InvalidTemplate"
    assert caught.value.faults[0].path == "resources[0].dependsOn[0]"
    assert expanded(declared, options=REVIEW).resources[0].depends_on == (f"{GROUP}/providers/A.B/c/elsewhere",)


def test_symbolic_names_reach_resources_loops_and_existing_ones() -> None:
    found = expand(
        {
            "languageVersion": "2.0",
            "resources": {
                "vault": {**resource("A.B/vaults", "kv"), "existing": True},
                "nodes": {**resource("A.B/c", "[format('n{0}', copyIndex())]"), "copy": {"name": "nodes", "count": 2}},
                "last": resource(
                    "A.B/d",
                    "z",
                    dependsOn=["vault", "nodes", "nodes[1]"],
                    properties={"uri": "[reference('vault').uri]", "one": "[reference('nodes[1]', '2020', 'full').a]"},
                ),
            },
        },
        {},
        SCOPE,
    )
    assert [one.name for one in found.existing] == ["kv"]
    last = found.resources[2]
    assert last.symbolic_name == "last"
    assert last.depends_on == (f"{GROUP}/providers/A.B/c/n0", f"{GROUP}/providers/A.B/c/n1")
    assert set(last.implicit_dependencies()) == {f"{GROUP}/providers/A.B/vaults/kv", f"{GROUP}/providers/A.B/c/n1"}
    live = Live(kv={"uri": "https://kv"}, n1={"a": 1})
    assert last.evaluate(live)["properties"] == {"uri": "https://kv", "one": 1}
    assert live.asked == [
        (f"{GROUP}/providers/A.B/vaults/kv", "2024-01-01", False),
        (f"{GROUP}/providers/A.B/c/n1", "2020", True),
    ]


def test_run_time_functions_keep_their_call_with_what_is_known_folded_in() -> None:
    one = expanded(
        resource("A.B/c", "x"),
        resource(
            "A.B/d",
            "y",
            properties={
                "a": "[reference(resourceId('A.B/c', variables('n')), '2024-01-01').endpoint]",
                "b": "[concat('https://', reference('x').host, ':', string(19080))]",
                "c": "[listKeys(variables('n'), '2020').keys[0].value]",
                "d": "[resourceGroup().location]",
                "e": "[resourceGroup().name]",
                "f": "[[not an expression]",
            },
        ),
        variables={"n": "x"},
    ).resources[1]
    properties = one.evaluate()["properties"]
    id_ = f"{GROUP}/providers/A.B/c/x"
    assert properties == {
        "a": f"[reference('{id_}', '2024-01-01').endpoint]",
        "b": f"[concat('https://', reference('{id_}').host, ':19080')]",
        "c": f"[listKeys('{id_}', '2020').keys[0].value]",
        "d": "[resourceGroup().location]",
        "e": "g",
        "f": "[not an expression]",
    }
    assert [key for key, value in properties.items() if is_symbolic(value)] == ["a", "b", "c", "d"]
    assert one.implicit_dependencies() == (id_,)


def test_a_live_runtime_is_asked_again_where_an_earlier_one_left_a_variable_open() -> None:
    found = expanded(
        resource("A.B/c", "x", location="[variables('where')]"), variables={"where": "[resourceGroup().location]"}
    )
    assert found.resources[0].evaluate() == {"location": "[resourceGroup().location]"}
    assert found.resources[0].evaluate(Live()) == {"location": "westeurope"}


def test_live_resources_may_not_be_asked_for_in_variables() -> None:
    with pytest.raises(TemplateInvalidError, match="not expected at this location"):
        expanded(variables={"v": "[reference('x')]"})


def nested(scope: str | None, template: dict[str, Any], **more: Any) -> dict[str, Any]:
    properties = {"mode": "Incremental", "template": template, **more.pop("properties", {})}
    if scope is not None:
        properties["expressionEvaluationOptions"] = {"scope": scope}
    return resource("Microsoft.Resources/deployments", "inner", properties=properties, **more)


def test_a_nested_template_with_inner_scope_sees_its_own_parameters_and_its_own_group() -> None:
    template = {
        "parameters": {"p": {"type": "string"}, "v": {"type": "string", "defaultValue": "own"}},
        "variables": {"v": "[concat(parameters('p'), '-', parameters('v'))]"},
        "resources": [resource("A.B/c", "[variables('v')]", location="[resourceGroup().name]")],
        "outputs": {"o": {"type": "string", "value": "[variables('v')]"}},
    }
    found = expanded(
        nested(
            "Inner", template, resourceGroup="other", properties={"parameters": {"p": {"value": "[variables('v')]"}}}
        ),
        variables={"v": "outer"},
    )
    inner = found.resources[0].nested()
    assert inner is not None
    assert [(r.name, r.id) for r in inner.resources] == [
        ("outer-own", "/subscriptions/s/resourceGroups/other/providers/A.B/c/outer-own")
    ]
    assert inner.resources[0].evaluate() == {"location": "other"}
    assert inner.outputs() == {"o": {"type": "string", "value": "outer-own"}}
    assert (
        found.resources[0].id == "/subscriptions/s/resourceGroups/other/providers/Microsoft.Resources/deployments/inner"
    )
    assert [one.name for one in found.walk()] == ["inner", "outer-own"]


def test_a_nested_template_with_outer_scope_sees_what_its_parent_sees() -> None:
    template = {
        "variables": {"v": "never"},
        "resources": [
            resource("A.B/c", "[variables('v')]", location="[resourceGroup().name]", dependsOn=["b"]),
            resource("A.B/d", "b"),
        ],
    }
    inner = expanded(nested(None, template, resourceGroup="other"), variables={"v": "outer"}).resources[0].nested()
    assert inner is not None
    assert inner.resources[0].id == "/subscriptions/s/resourceGroups/other/providers/A.B/c/outer"
    assert inner.resources[0].evaluate() == {"location": "g"}
    assert inner.resources[0].depends_on == ("/subscriptions/s/resourceGroups/other/providers/A.B/d/b",)


@pytest.mark.parametrize(("scope", "waits"), [("outer", True), ("inner", False)])
def test_a_deployment_waits_for_what_its_outer_scope_template_refers_to(scope: str, waits: bool) -> None:
    template = {"resources": [resource("A.B/c", "x", v="[reference('mine').v]"), resource("A.B/c", "mine")]}
    if waits:
        template["resources"][0]["w"] = "[reference('theirs').v]"
    found = expanded(resource("A.B/d", "theirs"), nested(scope, template)).resources[1].implicit_dependencies()
    assert (f"{GROUP}/providers/A.B/d/theirs" in found) is waits


def test_run_time_values_are_passed_into_a_nested_template_when_it_is_deployed() -> None:
    template = {
        "parameters": {"sku": {"type": "object"}},
        "resources": [resource("A.B/c", "x", sku="[parameters('sku')]")],
    }
    deployment = expanded(
        nested(
            "inner",
            template,
            properties={
                "parameters": {"sku": {"value": f"[reference('{GROUP}/providers/A.B/c/x', '2020', 'Full').sku]"}}
            },
        )
    ).resources[0]
    before, after = deployment.nested(), deployment.nested(Live(x={"sku": {"capacity": 7}}))
    assert before is not None
    assert after is not None
    assert before.resources[0].evaluate()["sku"] == f"[reference('{GROUP}/providers/A.B/c/x', '2020', 'Full').sku]"
    assert after.resources[0].evaluate() == {"sku": {"capacity": 7}}


def test_the_body_of_a_deployment_leaves_its_template_as_it_is_written() -> None:
    template = {"resources": [], "variables": {"v": "[parameters('not mine')]"}}
    body = (
        expanded(nested("inner", template, properties={"mode": "[concat('Incre', 'mental')]"})).resources[0].evaluate()
    )
    assert body["properties"]["template"] == template
    assert body["properties"]["mode"] == "Incremental"


def test_a_linked_template_is_noted_and_a_loader_may_fetch_it() -> None:
    linked = resource(
        "Microsoft.Resources/deployments",
        "far",
        properties={
            "mode": "Incremental",
            "templateLink": {"uri": "https://x/t.json"},
            "parameters": {"n": {"value": "y"}},
        },
    )
    unread = expanded(linked)
    assert [note.text for note in unread.notes] == ["the linked template was not read"]
    assert unread.resources[0].nested() is None
    asked: list[Any] = []

    def loader(link: Any, beside: Any) -> str:
        asked.append(link)
        return (
            '{"parameters": {"n": {"type": "string"}}, "resources": [{"type": "A.B/c", "name": "[parameters(\'n\')]"}]}'
        )

    read = expanded(linked, options=ExpandOptions(loader=loader))
    assert [one.name for one in read.walk()] == ["far", "y"]
    assert asked == [{"uri": "https://x/t.json"}]


def test_without_a_scope_ids_stay_expressions_but_dependencies_still_match() -> None:
    found = expanded(
        resource("A.B/c", "x"), resource("A.B/d", "y", dependsOn=["[resourceId('A.B/c', 'x')]"]), scope=Scope()
    )
    assert found.resources[0].id == "[resourceId('A.B/c', 'x')]"
    assert is_symbolic(found.resources[0].id)
    assert found.resources[1].depends_on == ("[resourceId('A.B/c', 'x')]",)


def test_nothing_is_computed_from_a_placeholder() -> None:
    scope = Scope(subscription_id="0000", resource_group="g", synthetic=True)
    one = expanded(
        resource(
            "A.B/c",
            "x",
            a="[resourceId('A.B/c', 'x')]",
            b="[guid(resourceId('A.B/c', 'x'))]",
            c="[uniqueString(resourceGroup().id)]",
            d="[guid('known')]",
        ),
        scope=scope,
    ).resources[0]
    body = one.evaluate()
    assert not is_symbolic(body["a"])
    assert is_symbolic(body["b"])
    assert is_symbolic(body["c"])
    assert not is_symbolic(body["d"])


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("if(parameters('p'), 'a', concat('b', 'c'))", "[if(parameters('p'), 'a', 'bc')]"),
        ("if(true(), 'a', parameters('p'))", "a"),
        ("and(true(), parameters('p'))", "[parameters('p')]"),
        ("or(parameters('p'), true())", True),
        ("coalesce(null(), parameters('p'), 'z')", "[coalesce(parameters('p'), 'z')]"),
        ("concat('a', 'b', parameters('p'), 'c')", "[concat('ab', parameters('p'), 'c')]"),
        ("concat(concat('a', parameters('p')), 'c')", "[concat('a', parameters('p'), 'c')]"),
        ("concat(parameters('p'), createArray('a'))", "[concat(parameters('p'), createArray('a'))]"),
        ("createArray('a', parameters('p'))[0]", "a"),
        ("length(createArray('a', parameters('p')))", 2),
        ("contains(createObject('a', parameters('p')), 'a')", True),
        ("contains(createArray('a', parameters('p')), 'b')", "[contains(createArray('a', parameters('p')), 'b')]"),
        ("createObject('k', parameters('p')).k", "[parameters('p')]"),
        ("toLower(parameters('p')[0].x)", "[toLower(parameters('p')[0].x)]"),
        ("tryGet(parameters('p'), 'a')", "[tryGet(parameters('p'), 'a')]"),
        ("union(createObject('a', 1), createObject('b', parameters('p'))).a", 1),
        ("map(createArray(1, 2), lambda('x', parameters('p')))[1]", "[parameters('p')]"),
        (
            "map(parameters('p'), lambda('x', concat(lambdaVariables('x'), toUpper('y'))))",
            "[map(parameters('p'), lambda('x', concat(lambdaVariables('x'), 'Y')))]",
        ),
        ("equals(parameters('p'), 'a')", "[equals(parameters('p'), 'a')]"),
        ("if(parameters('p'), 1, div(1, 0))", "[if(parameters('p'), 1, div(1, 0))]"),
    ],
)
def test_what_is_not_known_is_folded_and_never_guessed(expression: str, expected: Any) -> None:
    one = expanded(resource("A.B/c", "x", v=f"[{expression}]"), parameters={"p": {"type": "object"}}, options=REVIEW)
    value = one.resources[0].evaluate()["v"]
    assert value == expected
    assert is_symbolic(value) is (isinstance(expected, str) and expected.startswith("["))


def test_a_loop_whose_count_is_not_known_stays_one_resource_and_one_expression() -> None:
    found = expanded(
        resource(
            "A.B/c",
            "[concat('x', copyIndex())]",
            copy={"name": "l", "count": "[length(parameters('p'))]"},
            properties={
                "copy": [
                    {
                        "name": "ids",
                        "count": "[length(parameters('p'))]",
                        "input": "[parameters('p')[copyIndex('ids')]]",
                    }
                ]
            },
        ),
        parameters={"p": {"type": "array"}},
        options=REVIEW,
    )
    assert names(found) == ["[concat('x', copyIndex('l'))]"]
    loop = found.resources[0].loop
    assert loop is not None
    assert loop.count == "[length(parameters('p'))]"
    ids = found.resources[0].evaluate()["properties"]["ids"]
    assert isinstance(ids, Symbolic)
    assert ids == "[map(range(0, length(parameters('p'))), lambda('ids', parameters('p')[lambdaVariables('ids')]))]"


def test_keys_may_be_expressions() -> None:
    body = (
        expanded(resource("A.B/c", "x", identity={"userAssignedIdentities": {"[resourceId('A.B/i', 'me')]": {}}}))
        .resources[0]
        .evaluate()
    )
    assert body["identity"]["userAssignedIdentities"] == {f"{GROUP}/providers/A.B/i/me": {}}


def test_functions_that_the_template_declares_see_their_arguments_only() -> None:
    found = expanded(
        resource("A.B/c", "[contoso.Named('ab')]"),
        functions=[
            {
                "namespace": "contoso",
                "members": {
                    "named": {
                        "parameters": [{"name": "prefix", "type": "string"}],
                        "output": {"type": "string", "value": "[concat(toUpper(parameters('Prefix')), '1')]"},
                    }
                },
            }
        ],
    )
    assert names(found) == ["AB1"]


def test_outputs_may_have_conditions_and_loops() -> None:
    found = expanded(
        outputs={
            "no": {"type": "string", "condition": "[false()]", "value": "[div(1, 0)]"},
            "many": {"type": "array", "copy": {"count": 2, "input": "[copyIndex()]"}},
        }
    )
    assert found.outputs() == {"many": {"type": "array", "value": [0, 1]}}


def test_every_fault_of_a_template_is_told_with_its_place() -> None:
    text = """{
  "parameters": {"n": {"type": "int", "defaultValue": "x"}},
  "variables": {
    "bad": "[nope()]",
    "circle": "[variables('circle')]"
  },
  "resources": []
}"""
    with pytest.raises(InputError) as caught:
        expand(parse_text(text, "t.json"), {}, SCOPE)
    assert [(fault.line, fault.path) for fault in caught.value.faults] == [
        (2, "parameters.n"),
        (4, "variables.bad"),
        (5, "variables.circle"),
    ]


def test_a_fault_inside_a_nested_template_points_into_it() -> None:
    text = """{"resources": [{"type": "Microsoft.Resources/deployments", "name": "d", "apiVersion": "1", "properties": {
  "mode": "Incremental", "expressionEvaluationOptions": {"scope": "inner"},
  "template": {"resources": [
    {"type": "A.B/c", "name": "[parameters('missing')]"}
  ]}}}]}"""
    found = expand(parse_text(text, "t.json"), {}, SCOPE)
    assert [(fault.line, fault.column) for fault in found.faults()] == [(4, 31)]


def test_a_fault_in_a_body_is_found_without_deploying() -> None:
    found = expanded(resource("A.B/c", "x", properties={"p": [{"q": "[substring('a', 5)]"}]}))
    assert [fault.path for fault in found.faults()] == ["resources[0].properties.p[0].q"]


@pytest.mark.parametrize(
    "template",
    [
        [],
        {"resources": "x"},
        {"resources": [1]},
        {"resources": [{"name": "x"}]},
        {"parameters": [], "resources": []},
        {"resources": [resource("A.B/c", "x/y")]},
        {"resources": [resource("A.B/c", "x", condition="maybe")]},
        {"resources": [resource("A.B/c", "x", copy={"name": "l", "count": -1})]},
        {"resources": [resource("A.B/c", "x", dependsOn=[1])]},
    ],
)
def test_what_is_no_template_is_refused_and_never_a_traceback(template: Any) -> None:
    with pytest.raises(InputError):
        expand(template, {}, SCOPE)


def test_values_that_build_on_one_another_without_end_are_refused() -> None:
    chain = {f"v{n}": f"[concat(variables('v{n + 1}'), 'x')]" for n in range(2000)}
    with pytest.raises(InputError, match="too deeply"):
        expanded(variables={**chain, "v2000": "end"})


def test_a_value_that_doubles_itself_over_and_over_is_refused() -> None:
    doubling = {f"v{n}": f"[concat(variables('v{n + 1}'), variables('v{n + 1}'))]" for n in range(40)}
    with pytest.raises(InputError, match="characters"):
        expanded(variables={**doubling, "v40": "x"})
