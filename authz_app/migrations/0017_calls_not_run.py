from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("authz_app", "0016_listed_without_scopes"),
    ]

    operations = [
        migrations.AlterField(
            model_name="callrecord",
            name="outcome",
            field=models.CharField(
                blank=True,
                choices=[
                    ("", "—"),
                    ("ok", "OK"),
                    ("tool_error", "Tool error"),
                    ("crashed", "Crashed"),
                    ("timed_out", "Timed out"),
                    ("cancelled", "Cancelled"),
                    ("input_required", "Input required"),
                    ("not_run", "Not run"),
                    ("unknown", "Unknown"),
                ],
                default="",
                max_length=20,
            ),
        ),
    ]
