"""What the admin shows of this app, and what it leaves out of other apps."""

from allauth.account.models import EmailAddress
from allauth.idp.oidc.models import Client as OAuthApplication, Token
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import Group

from authz_app.models import AuditEvent, AuditSeal, CallRecord, Client, PolicyEdit, Rule, User
from authz_app.pages.clients.admin import ClientAdmin
from authz_app.pages.events.admin import AuditEventAdmin
from authz_app.pages.history.admin import PolicyEditAdmin
from authz_app.pages.people.admin import GroupAdmin, UserAdmin
from authz_app.pages.people.oauth_applications import OAuthApplicationAdmin
from authz_app.pages.people.sign_in import LimitedSignIn
from authz_app.pages.records.admin import CallRecordAdmin
from authz_app.pages.rules.admin import RuleAdmin
from authz_app.pages.seals.admin import AuditSealAdmin

admin.site.index_title = "Start"
admin.site.login_form = LimitedSignIn

admin.site.register(Client, ClientAdmin)
admin.site.register(Rule, RuleAdmin)
admin.site.register(CallRecord, CallRecordAdmin)
admin.site.register(AuditEvent, AuditEventAdmin)
admin.site.register(PolicyEdit, PolicyEditAdmin)
admin.site.register(AuditSeal, AuditSealAdmin)
admin.site.register(User, UserAdmin)
admin.site.unregister(Group)
admin.site.register(Group, GroupAdmin)

# allauth registers these in a way that shows hashes of secrets and calls an OAuth application a client.
admin.site.unregister([OAuthApplication, Token, EmailAddress])
if settings.LOCAL_ISSUER:
    admin.site.register(OAuthApplication, OAuthApplicationAdmin)
