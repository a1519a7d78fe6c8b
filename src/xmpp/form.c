/* form.c - see form.h. */
#include "xmpp/form.h"

#include "xmpp/ns.h"

void form_begin(struct form *f, struct arena *a, struct node *parent, const char *type, const char *form_type)
{
	*f = (struct form){ .arena = a };
	f->x = parent ? node_add(a, parent, NS_XDATA, "x") : node_new(a, NS_XDATA, "x");
	f->failed = !f->x || node_set_attr(a, f->x, "type", str_of(type)) < 0;
	if (form_type)
		form_field(f, "hidden", "FORM_TYPE", NULL, str_of(form_type));
}

void form_text(struct form *f, const char *element, const char *text)
{
	f->failed = f->failed || !node_add_leaf(f->arena, f->x, NS_XDATA, element, str_of(text));
}

void form_field(struct form *f, const char *type, const char *var, const char *label, struct str value)
{
	if (f->failed)
		return;
	f->field = node_add(f->arena, f->x, NS_XDATA, "field");
	f->failed = !f->field || node_set_attr(f->arena, f->field, "var", str_of(var)) < 0 ||
		    (type && node_set_attr(f->arena, f->field, "type", str_of(type)) < 0) ||
		    (label && node_set_attr(f->arena, f->field, "label", str_of(label)) < 0);
	if (value.p)
		form_value(f, value);
}

void form_value(struct form *f, struct str value)
{
	f->failed = f->failed || !node_add_leaf(f->arena, f->field, NS_XDATA, "value", value);
}

void form_option(struct form *f, const char *label, const char *value)
{
	struct node *o = f->failed ? NULL : node_add(f->arena, f->field, NS_XDATA, "option");

	f->failed = !o || node_set_attr(f->arena, o, "label", str_of(label)) < 0 ||
		    !node_add_leaf(f->arena, o, NS_XDATA, "value", str_of(value));
}

void form_required(struct form *f)
{
	f->failed = f->failed || !node_add(f->arena, f->field, NS_XDATA, "required");
}

int form_end(struct form *f)
{
	return f->failed ? ERR_LIMIT : 0;
}

const struct node *form_find(const struct node *x, const char *var)
{
	for (const struct node *f = x ? node_child(x, NS_XDATA, "field") : NULL; f; f = node_child_next(f, NS_XDATA, "field"))
		if (str_is(node_attr(f, "var"), var))
			return f;
	return NULL;
}

struct str form_get(struct arena *a, const struct node *x, const char *var)
{
	const struct node *f = form_find(x, var), *v = f ? node_child(f, NS_XDATA, "value") : NULL;

	return v ? node_text(a, v) : STR_NONE;
}

int form_list(struct arena *a, const struct node *x, const char *var, size_t max, struct str **ret, size_t *ret_n)
{
	const struct node *f = form_find(x, var);
	struct str *list = arena_alloc(a, (max + 1) * sizeof(*list));
	size_t n = 0;

	if (!list)
		return ERR_LIMIT;
	for (const struct node *v = f ? node_child(f, NS_XDATA, "value") : NULL; v; v = node_child_next(v, NS_XDATA, "value")) {
		if (n == max)
			return ERR_LIMIT;
		list[n] = str_trim(node_text(a, v));
		n += list[n].n > 0;
	}
	*ret = list;
	*ret_n = n;
	return 0;
}
