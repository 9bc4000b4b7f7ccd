#include "enterprise/choices.h"

#include <string.h>

const struct choice enterprise_cities[] = {
    {"hohhot", "呼和浩特市", "Hohhot", "west"},   {"baotou", "包头市", "Baotou", "west"},
    {"wuhai", "乌海市", "Wuhai", "west"},         {"ordos", "鄂尔多斯市", "Ordos", "west"},
    {"ulanqab", "乌兰察布市", "Ulanqab", "west"}, {"bayannur", "巴彦淖尔市", "Bayannur", "west"},
    {"alxa", "阿拉善盟", "Alxa", "west"},         {"chifeng", "赤峰市", "Chifeng", "east"},
    {"tongliao", "通辽市", "Tongliao", "east"},   {"hulunbuir", "呼伦贝尔市", "Hulunbuir", "east"},
    {"hinggan", "兴安盟", "Hinggan", "east"},     {"xilingol", "锡林郭勒盟", "Xilingol", "east"},
    {"erenhot", "二连浩特市", "Erenhot", "east"}, {.id = NULL},
};

const struct choice enterprise_entity_types[] = {
    {"tenderer", "招标人", "Tenderer", NULL},
    {"bidder", "投标人", "Bidder", NULL},
    {"agency", "招标代理机构", "Tendering agency", NULL},
    {"supplier", "政府采购供应商", "Government supplier", NULL},
    {"purchaser", "采购人", "Purchaser", NULL},
    {"land_bidder", "土地竞买人", "Land-use bidder", NULL},
    {"mineral_bidder", "矿业权竞买人", "Mining-rights bidder", NULL},
    {"expert_unit", "专家所在单位", "Expert unit", NULL},
    {.id = NULL},
};

const struct choice *enterprise_choice_find(const struct choice *list, const char *id)
{
    for (; list->id != NULL; list++)
        if (strcmp(list->id, id) == 0)
            return list;
    return NULL;
}
