"""A program that embeds the engine, for type checkers: each line with ``# refused`` has to be an error, no other."""

from __future__ import annotations

from typing import assert_type

from pydantic import BaseModel

from engine import AsyncEngine, DistributedEngine, Engine, Event, Limits, TaskResult


class Business(BaseModel):
    name: str


def show(event: Event) -> None:
    print(event.type, event.data.get("position"))


async def show_later(event: Event) -> None:
    show(event)


def blocking() -> list[Business]:
    with Engine(store="x", model="haiku", max_tasks=3, limits=Limits(timeout=5)) as engine:
        result = engine.run("x", start_url="http://x", output_schema=list[Business], on_event=show, reuse_key="k")
        assert_type(result.output, list[Business])
        plain: TaskResult = engine.run("x", output_schema={"type": "array"}, timeout=3, secrets=["password"])
        if plain.error is not None:
            print(plain.error.reason)
        engine.run("x", output_schema=Business | None, on_event=show_later)
        for each in engine.map([{"parameters": {"a": 1}}], task="x", output_schema=Business):
            assert_type(each.output, Business)
        for each in engine.repeat("x", repeats=2, output_schema=Business, ai="never"):
            assert_type(each.output, Business)
        engine.wait([engine.start("x", if_interrupted="rerun")])
        for revision in engine.bundles.history("k"):
            print(revision.short)
        return result.output


async def asynchronous() -> Business:
    async with AsyncEngine(store="x") as engine:
        await engine.run("x", parameters={"a": 1}, wait_timeout=3, poll=0.1)
        await engine.adopt("k", parameters={"a": 1}, on_event=show_later)
        task_id = await engine.start("x")
        async for event in engine.events(task_id):
            show(event)
        return (await engine.run("x", output_schema=Business, start_url=None)).output


ENGINE = Engine(store="x")


@ENGINE.task("List every business of the category", key="businesses", start_url="http://x")
def businesses(category: str, pages: int = 1) -> list[Business]:
    raise NotImplementedError


@AsyncEngine(store="x").task(timeout=3)
async def towns(county: str) -> list[str]:
    """List the towns of the county."""
    raise NotImplementedError


async def functions() -> None:
    assert_type(businesses("Surveying"), list[Business])
    assert_type(businesses.result(category="Surveying", pages=2).output, list[Business])
    assert_type(await businesses.aio("Surveying"), list[Business])
    assert_type(await towns("Kent"), list[str])
    assert_type((await towns.result("Kent")).output, list[str])
    businesses(7)  # refused
    businesses("Surveying", page=2)  # refused
    _ = businesses("Surveying")[0].phone  # refused
    await towns()  # refused
    ENGINE.task("List", start_ulr="http://x")  # refused


def on_a_cluster(engine: DistributedEngine) -> None:
    assert_type(engine.run("x", output_schema=list[Business]).output, list[Business])
    for each in engine.map([{"parameters": {"a": 1}}], task="x", output_schema=Business):
        assert_type(each.output, Business)
    engine.run("x", output_schema={"type": "array"}, wait_timeout=3)
    engine.run("x", start_ulr="http://x")  # refused
    engine.map([], tsk="x")  # refused
    DistributedEngine(bundles="x", adress="auto")  # refused


def mistakes() -> None:
    Engine(stor="x")  # refused
    Engine(max_tasks="3")  # refused
    engine = Engine()
    engine.run("x", start_ulr="http://x")  # refused
    engine.run("x", timeout="three")  # refused
    engine.run("x", parameters=[1])  # refused
    engine.run("x", output_schema=Business, timout=3)  # refused
    engine.start("x", ai="nevr")  # refused
    engine.adopt("k", parameter={})  # refused
    engine.map([], tsk="x")  # refused
    _ = engine.run("x", output_schema=list[Business]).output.name  # refused


async def asynchronous_mistakes() -> None:
    engine = AsyncEngine(stor="x")  # refused
    await engine.run("x", start_ulr="http://x")  # refused
    await engine.run("x", ai="nevr")  # refused
    await engine.repeat("x", repeat=3)  # refused
