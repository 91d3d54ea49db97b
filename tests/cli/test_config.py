"""`mailgate config`."""

from .conftest import Gate


def test_show(gate: Gate) -> None:
    found = {each["setting"]: each for each in gate.json("config", "show")["settings"]}
    assert found["submit.method"] == {
        "setting": "submit.method",
        "value": "none",
        "origin": "file",
        "place": f"{gate.config}:4",
    }
    assert found["limits.max_size"]["origin"] == "default"
    lines = gate.ok("config", "show", "--origin").splitlines()
    assert "submit.method\tnone\tline 4" in lines
    assert lines[-1] == f"{gate.config} (environment MAILGATE_CONFIG)"
    assert not (gate.folder / "mailgate.db").exists(), "no store is made for it"


def test_check_names_all_that_is_wrong(gate: Gate) -> None:
    assert gate.ok("config", "check") == f"{gate.config}: nothing wrong\n"
    gate.config.write_text('[submit]\nmethod = "pigeon"\n[limits]\nmax_sise = 1\nrecords_in_all = -1\n[hold]\n')
    screen = gate("config", "check")
    assert (screen.exit, screen.out) == (1, "")
    assert screen.err == (
        f"error: {gate.config}:2:1: submit.method must be one of sendmail, smtp, none, not 'pigeon'\n"
        f"error: {gate.config}:4:1: unknown key `max_sise` in [limits], did you mean `max_size`?\n"
        f"error: {gate.config}:5:1: limits.records_in_all must not be negative\n"
        f"error: {gate.config}:6:1: unknown section [hold], did you mean `held`?\n"
    )
    gate.config.write_text('[submit]\nsendmail = "/no/such"\n[refusals]\ntemplates = "none"\n')
    screen = gate("config", "check")
    assert screen.exit == 1
    assert "/no/such is no program that can be run" in screen.err
    assert f"there is no folder {gate.folder}/none" in screen.err
    gate.config.write_text("[submit\n")
    assert f"{gate.config}:1:8: " in gate("config", "check").err
    assert gate("-C", "none.toml", "config", "check").exit == 1
