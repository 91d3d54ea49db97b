"""`mailgate config`."""

from helpers.installed import Installed


def test_config_show_prints_every_setting_and_its_origin(installed: Installed) -> None:
    found = {each["setting"]: each for each in installed.json("config", "show")["settings"]}
    assert found["submit.method"] == {
        "setting": "submit.method",
        "value": "none",
        "origin": "file",
        "place": f"{installed.config}:4",
    }
    assert found["limits.max_size"]["origin"] == "default"
    lines = installed.ok("config", "show", "--origin").splitlines()
    assert "submit.method\tnone\tline 4" in lines
    assert lines[-1] == f"{installed.config} (environment MAILGATE_CONFIG)"
    assert not (installed.folder / "mailgate.db").exists(), "no store is made for it"


def test_check_names_all_that_is_wrong(installed: Installed) -> None:
    assert installed.ok("config", "check") == f"{installed.config}: no errors\n"
    installed.config.write_text('[submit]\nmethod = "pigeon"\n[limits]\nmax_sise = 1\nrecords_in_all = -1\n[hold]\n')
    screen = installed("config", "check")
    assert (screen.exit, screen.out) == (1, "")
    assert screen.err == (
        f"error: {installed.config}:2:1: submit.method must be one of sendmail, smtp, none, not 'pigeon'\n"
        f"error: {installed.config}:4:1: unknown key `max_sise` in [limits], did you mean `max_size`?\n"
        f"error: {installed.config}:5:1: limits.records_in_all must not be negative\n"
        f"error: {installed.config}:6:1: unknown section [hold], did you mean `held`?\n"
    )
    installed.config.write_text('[submit]\nsendmail = "/no/such"\n[refusals]\ntemplates = "none"\n')
    screen = installed("config", "check")
    assert screen.exit == 1
    assert "submit.sendmail: cannot run /no/such" in screen.err
    assert f"refusals.templates: no folder {installed.folder}/none" in screen.err
    installed.config.write_text("[submit\n")
    assert f"{installed.config}:1:8: " in installed("config", "check").err
    assert installed("-C", "none.toml", "config", "check").exit == 1


def test_check_names_recipients_of_notices_whom_none_reaches(office: Installed) -> None:
    """It said that nothing was wrong, and the alarm came back to the gateway, or was never sent."""
    office.ok("alias", "add", "info@example.com", "--model", "task")
    text = office.config.read_text()
    office.config.write_text(text + '[notify]\nto = ["admin@example.com", "info@example.com", "ann@client.org"]\n')
    screen = office("config", "check")
    assert screen.exit == 1
    assert "notify.to: admin@example.com does not exist: what is sent to it comes back" in screen.err
    assert "notify.to: info@example.com is a local address: no notice is sent to it" in screen.err
    assert "ann@client.org" not in screen.err
    office.folder.chmod(0o700)
    screen = office("doctor", "--only", "directory")
    assert "[notify] to names info@example.com, which is a local address" in screen.out
    office.config.write_text(text + '[notify]\nto = ["ann@client.org"]\n')
    assert office("config", "check").exit == 0
