"""What a template declares in full: names, loops, conditions, children, dependencies, outputs."""

from __future__ import annotations

import pytest

from sfcert.arm import Scope, expand, is_symbolic
from sfcert.arm.faults import TemplateInvalidError
from tests.unit.arm.expanding import GROUP, REVIEW, SCOPE, Live, expanded, names, resource


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


def test_without_a_scope_ids_stay_expressions_but_dependencies_still_match() -> None:
    found = expanded(
        resource("A.B/c", "x"), resource("A.B/d", "y", dependsOn=["[resourceId('A.B/c', 'x')]"]), scope=Scope()
    )
    assert found.resources[0].id == "[resourceId('A.B/c', 'x')]"
    assert is_symbolic(found.resources[0].id)
    assert found.resources[1].depends_on == ("[resourceId('A.B/c', 'x')]",)


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
