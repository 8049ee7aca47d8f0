"""What the standard functions give, mostly the vendor's own published examples."""

from __future__ import annotations

from typing import Any

import pytest

from sfcert.arm import Scope, SymbolicRuntime
from sfcert.arm.evaluate import evaluate, known_function
from sfcert.arm.frame import Env, Frame
from sfcert.arm.functions import EvaluationError

ENV = Env(Frame(Scope(subscription_id="s", resource_group="g")), SymbolicRuntime())


MACHINE = (
    "/subscriptions/31e9f9a0-9fd2-4294-a0a3-0101246d9700/resourceGroups/rg-modm201-20230913120256"
    "/providers/Microsoft.Compute/virtualMachines/bobjacmodm201"
)


def value_of(expression: str) -> Any:
    return evaluate(f"[{expression}]", ENV)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("concat('a', 1, 'b')", "a1b"),
        ("concat(createArray(1), createArray(2, 3))", [1, 2, 3]),
        ("Concat('A', TOLOWER('B'))", "Ab"),
        (
            "format('{0}, {1}. Formatted number: {2:N0}', 'Hello', 'User', 8175133)",
            "Hello, User. Formatted number: 8,175,133",
        ),
        ("format('n{0:D2}-{1:x}-{2:000}-{{}}', 7, 255, 5)", "n07-ff-005-{}"),
        ("format('{0,5}|{0,-3}|', 'a')", "    a|a  |"),
        ("toUpper('aB')", "AB"),
        ("trim('  a b ')", "a b"),
        ("split('one;two,three', createArray(',', ';'))", ["one", "two", "three"]),
        ("join(createArray('one', 'two'), ';')", "one;two"),
        ("replace('123-123-1234', '-', '')", "1231231234"),
        ("substring('one two three', 4, 3)", "two"),
        ("startsWith('abcdef', 'AB')", True),
        ("endsWith('abcdef', 'F')", True),
        ("indexOf('test', 'T')", 0),
        ("lastIndexOf('abcdef', 'zz')", -1),
        ("padLeft(123, 10, '0')", "0000000123"),
        ("base64('one, two, three')", "b25lLCB0d28sIHRocmVl"),
        ("base64ToString('b25lLCB0d28sIHRocmVl')", "one, two, three"),
        ("base64ToJson('eydvbmUnOiAnYScsICd0d28nOiAnYid9')", {"one": "a", "two": "b"}),
        ("dataUri('Hello')", "data:text/plain;charset=utf8;base64,SGVsbG8="),
        ("dataUriToString('data:;base64,SGVsbG8sIFdvcmxkIQ==')", "Hello, World!"),
        (
            "uri('http://contoso.com/resources/', 'nested/azuredeploy.json')",
            "http://contoso.com/resources/nested/azuredeploy.json",
        ),
        ("uriComponent('http://contoso.com/a b.json')", "http%3A%2F%2Fcontoso.com%2Fa%20b.json"),
        ("uriComponentToString('http%3A%2F%2Fcontoso.com')", "http://contoso.com"),
        ("string(createObject('a', 10, 'b', true()))", '{"a":10,"b":true}'),
        ("string(5)", "5"),
        ("json('{\"a\": [1.5, null]}')", {"a": [1.5, None]}),
        ("first('one')", "o"),
        ("last(createArray('one', 'two'))", "two"),
        ("first(createArray())", None),
        ("skip(createArray('a', 'b', 'c'), 2)", ["c"]),
        ("take('abc', 2)", "ab"),
        ("length(createObject('a', 1, 'b', 2))", 2),
        ("contains(createObject('One', 1), 'one')", True),
        ("contains('OneTwo', 'one')", False),
        ("contains(createArray('a', 1), 1)", True),
        ("empty('')", True),
        ("empty(null())", True),
        ("array('a')", ["a"]),
        (
            "union(createObject('a', createObject('x', 1)), createObject('a', createObject('y', 2)))",
            {"a": {"x": 1, "y": 2}},
        ),
        ("union(createArray('one', 'two'), createArray('two', 'three'))", ["one", "two", "three"]),
        ("intersection(createArray('a', 'b'), createArray('b', 'c'))", ["b"]),
        ("range(5, 3)", [5, 6, 7]),
        ("min(createArray(0, 3, 2))", 0),
        ("max(1, 7, 3)", 7),
        ("coalesce(null(), 'x')", "x"),
        ("int(' 5 ')", 5),
        ("add(5, 3)", 8),
        ("sub(7, 10)", -3),
        ("mul(5, 3)", 15),
        ("div(-7, 2)", -3),
        ("mod(-7, 3)", -1),
        ("float('1.5')", 1.5),
        ("bool('TRUE')", True),
        ("bool(0)", False),
        ("and(true(), not(false()))", True),
        ("or(false(), true())", True),
        ("if(equals('a', 'A'), 1, 2)", 2),
        ("less(1, 2)", True),
        ("greaterOrEquals('b', 'a')", True),
        ("equals(createObject('a', 1, 'b', 2), createObject('b', 2, 'a', 1))", True),
        ("tryGet(createObject('a', createArray(createObject('b', 1))), 'a', 0, 'B')", 1),
        ("tryGet(createObject('a', 1), 'x', 'y')", None),
        ("items(createObject('b', 1, 'a', 2))", [{"key": "a", "value": 2}, {"key": "b", "value": 1}]),
        ("objectKeys(createObject('b', 1, 'a', 2))", ["a", "b"]),
        ("flatten(createArray(createArray(1, 2), createArray(3)))", [1, 2, 3]),
        ("map(range(0, 3), lambda('x', mul(lambdaVariables('x'), 2)))", [0, 2, 4]),
        ("map(createArray('a'), lambda('x', 'i', concat(lambdaVariables('x'), lambdaVariables('i'))))", ["a0"]),
        ("filter(range(0, 4), lambda('x', greater(lambdaVariables('x'), 1)))", [2, 3]),
        ("reduce(range(1, 3), 0, lambda('a', 'b', add(lambdaVariables('a'), lambdaVariables('b'))))", 6),
        ("sort(createArray(3, 1, 2), lambda('a', 'b', less(lambdaVariables('a'), lambdaVariables('b'))))", [1, 2, 3]),
        (
            "toObject(createArray('a', 'b'), lambda('e', lambdaVariables('e')), lambda('e', 1))",
            {"a": 1, "b": 1},
        ),
        (
            "groupBy(createArray('aa', 'b', 'cc'), lambda('e', string(length(lambdaVariables('e')))))",
            {"2": ["aa", "cc"], "1": ["b"]},
        ),
        ("mapValues(createObject('a', 1), lambda('v', add(lambdaVariables('v'), 1)))", {"a": 2}),
        ("dateTimeAdd('2020-04-07 14:53:14Z', 'P3Y')", "2023-04-07 14:53:14Z"),
        ("dateTimeAdd('2020-04-07 14:53:14Z', '-P9D')", "2020-03-29 14:53:14Z"),
        ("dateTimeAdd('2020-04-07 14:53:14Z', 'PT1H', 'yyyy/MM/dd HH:mm')", "2020/04/07 15:53"),
        ("dateTimeAdd('20200407T145314Z', 'PT1M')", "20200407T145414Z"),
        ("dateTimeFromEpoch(1683040573)", "2023-05-02T15:16:13Z"),
        ("dateTimeToEpoch('2023-05-02T15:16:13Z')", 1683040573),
        ("cidrSubnet('10.144.0.0/20', 24, 1)", "10.144.1.0/24"),
        ("cidrHost('10.144.3.0/24', 0)", "10.144.3.1"),
        ("parseCidr('10.144.0.0/20').lastUsable", "10.144.15.254"),
        ("resourceId('Microsoft.A/b/c', 'x', 'y')", "/subscriptions/s/resourceGroups/g/providers/Microsoft.A/b/x/c/y"),
        ("resourceId('rg2', 'Microsoft.A/b', 'x')", "/subscriptions/s/resourceGroups/rg2/providers/Microsoft.A/b/x"),
        (
            "resourceId('sub2', 'rg2', 'Microsoft.A/b', 'x')",
            "/subscriptions/sub2/resourceGroups/rg2/providers/Microsoft.A/b/x",
        ),
        ("subscriptionResourceId('Microsoft.A/b', 'x')", "/subscriptions/s/providers/Microsoft.A/b/x"),
        ("tenantResourceId('Microsoft.A/b', 'x')", "/providers/Microsoft.A/b/x"),
        (
            "managementGroupResourceId('m', 'Microsoft.A/b', 'x')",
            "/providers/Microsoft.Management/managementGroups/m/providers/Microsoft.A/b/x",
        ),
        ("extensionResourceId('/subscriptions/s', 'Microsoft.A/b', 'x')", "/subscriptions/s/providers/Microsoft.A/b/x"),
        # from the vendor's own library, as recorded by microsoft/commercial-marketplace-offer-deploy
        (
            f"uniqueString('{MACHINE}')",
            "yvjxno3je5on2",
        ),
        # UUID version 5 of "a-b" in the documented namespace
        ("guid('a', 'b')", "2d796349-8c7e-55ec-9624-54ece82ed031"),
    ],
)
def test_gives_what_the_vendor_documents(expression: str, expected: Any) -> None:
    assert value_of(expression) == expected


@pytest.mark.parametrize(
    "expression",
    [
        "nope('a')",
        "concat('a', createArray())",
        "substring('abc', 2, 5)",
        "int('x')",
        "div(1, 0)",
        "createObject('a')",
        "createObject('a', 1).b",
        "createArray(1)[1]",
        "null().x",
        "if('yes', 1, 2)",
        "range(0, 100000)",
        "format('{1}', 'a')",
        "json('{')",
        "resourceId('Microsoft.A/b/c', 'x')",
        "resourceId('nothing', 'like', 'a type')",
        "toLower()",
        "toLower('a', 'b')",
        "copyIndex()",
        "parameters('missing')",
        "variables('missing')",
        "lambdaVariables('x')",
        "lambda('x', 1)",
        "map(createArray(1), 'no lambda')",
        "fail('said so')",
        "add(9223372036854775807, 1)",
        "cidrSubnet('10.0.0.0/24', 20, 0)",
        "dateTimeAdd('yesterday', 'P1D')",
        "contoso.unknown()",
        "replace('a', '', 'b')",
    ],
)
def test_refuses_what_azure_refuses(expression: str) -> None:
    with pytest.raises(EvaluationError):
        value_of(expression)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("if(true(), 1, div(1, 0))", 1),
        ("if(false(), div(1, 0), 2)", 2),
        ("or(true(), div(1, 0))", True),
        ("and(false(), div(1, 0))", False),
        ("coalesce('a', div(1, 0))", "a"),
    ],
)
def test_evaluates_no_more_than_azure_does(expression: str, expected: Any) -> None:
    assert value_of(expression) == expected


def test_a_boolean_is_never_equal_to_a_number() -> None:
    assert value_of("equals(true(), 1)") is False


def test_knows_functions_in_any_case() -> None:
    assert known_function("ConCat")
    assert known_function("listAnything")
    assert not known_function("conkat")


def test_dates_are_written_in_the_patterns_of_net() -> None:
    pattern = "dddd, d MMMM yyyy h:mm tt|ddd dd MMM yy HH:mm:ss.fff|\\d ''at'' K"
    assert value_of(f"dateTimeAdd('2020-04-07 14:53:04Z', 'PT0S', '{pattern}')") == (
        "Tuesday, 7 April 2020 2:53 PM|Tue 07 Apr 20 14:53:04.000|d at Z"
    )
